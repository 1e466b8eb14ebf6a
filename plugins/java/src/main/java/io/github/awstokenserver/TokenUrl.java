package io.github.awstokenserver;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The URL of a token server. What is sent of it is sent as it is written. */
final class TokenUrl {
    private static final Pattern URL = Pattern.compile(
        "(?<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?<authority>[^/?#]*)(?<path>[^?#]*)(?:\\?(?<query>[^#]*))?"
            + "(?<fragment>#.*)?");
    private static final Pattern AUTHORITY =
        Pattern.compile("(?<host>\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::(?<port>[0-9]{0,5}))?");
    private static final Pattern NOT_OF_A_URL = Pattern.compile("[\\x00-\\x20\\x7f\\\\]|%(?![0-9A-Fa-f]{2})");

    private final boolean secure;
    private final String host;
    private final int port;
    private final String authority;
    private final String path;
    private final String query;

    private TokenUrl(boolean secure, String host, int port, String authority, String path, String query) {
        this.secure = secure;
        this.host = host;
        this.port = port;
        this.authority = authority;
        this.path = path;
        this.query = query;
    }

    /**
     * Reads a URL, and refuses what must not be asked for a token. An error names the origin, and no part of the URL.
     *
     * @param origin where the text is from
     */
    static TokenUrl parse(String text, String origin, boolean overSocket) {
        Matcher url = URL.matcher(text);
        if (!url.matches() || NOT_OF_A_URL.matcher(text).find()) {
            throw invalid(origin, "is not a URL");
        }
        String scheme = url.group("scheme").toLowerCase(Locale.ROOT);
        if (!scheme.equals("https") && !scheme.equals("http")) {
            throw invalid(origin, "must be an https URL");
        }
        if (url.group("authority").contains("@")) {
            throw invalid(origin, "must not hold a user or password");
        }
        if (url.group("fragment") != null) {
            throw invalid(origin, "must not have a fragment");
        }
        Matcher authority = AUTHORITY.matcher(url.group("authority"));
        if (!authority.matches()) {
            throw invalid(origin, "must have a host, and a port at most");
        }
        boolean secure = scheme.equals("https");
        String host = authority.group("host");
        String digits = authority.group("port");
        int port = digits == null || digits.isEmpty() ? (secure ? 443 : 80) : Integer.parseInt(digits);
        if (port > 65535) {
            throw invalid(origin, "has a port above 65535");
        }
        if (!secure && !overSocket && !LocalHost.isLocal(host)) {
            throw invalid(origin, "must be an https URL, because its host is neither loopback nor a metadata service");
        }
        String path = url.group("path").isEmpty() ? "/" : url.group("path");
        return new TokenUrl(secure, host, port, authority.group(), path, url.group("query"));
    }

    private static TokenServerException invalid(String origin, String problem) {
        return TokenServerException.invalid(origin + ": " + problem);
    }

    /** Returns the URL with parameters in the place of those of the same names. */
    TokenUrl withParameters(Map<String, String> parameters) {
        if (parameters.isEmpty()) {
            return this;
        }
        List<String> parts = new ArrayList<>();
        for (String part : query == null || query.isEmpty() ? new String[0] : query.split("&", -1)) {
            if (!parameters.containsKey(nameOf(part))) {
                parts.add(part);
            }
        }
        parameters.forEach((name, value) -> parts.add(Percent.encode(name) + "=" + Percent.encode(value)));
        return new TokenUrl(secure, host, port, authority, path, String.join("&", parts));
    }

    private static String nameOf(String part) {
        return Percent.decodeForm(part.split("=", 2)[0]);
    }

    /** Adds what may be secret of the URL: values of parameters, and long segments of the path. */
    void addSecrets(Secrets secrets) {
        final int longestWord = 15;
        for (String part : query == null ? new String[0] : query.split("&")) {
            String[] nameAndValue = part.split("=", 2);
            secrets.addWithWords(Percent.decodeForm(nameAndValue[nameAndValue.length - 1]));
        }
        for (String segment : path.split("/")) {
            String decoded = Percent.decode(segment);
            if (decoded.length() > longestWord) {
                secrets.add(decoded);
            }
        }
    }

    boolean isSecure() {
        return secure;
    }

    /** The host, an IPv6 address in brackets. */
    String host() {
        return host;
    }

    int port() {
        return port;
    }

    /** The host and, if it is written, the port. */
    String authority() {
        return authority;
    }

    /** The path and the query. */
    String target() {
        return query == null ? path : path + "?" + query;
    }
}

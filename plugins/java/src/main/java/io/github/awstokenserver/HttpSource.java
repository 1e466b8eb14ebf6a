package io.github.awstokenserver;

import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The member {@code http} of a document: a token server that is asked with one request. */
final class HttpSource {
    private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
    private static final Pattern POINTER = Pattern.compile("(/([^~/]|~[01])*)*");
    private static final Set<String> FORBIDDEN = Set.of("host", "content-length", "transfer-encoding", "connection");

    private final String method;
    private final Template url;
    private final Map<String, Template> headers;
    private final Map<String, Template> query;
    private final Map<String, Template> form;
    private final Object body;
    private final String unixSocket;
    private final String caFile;
    private final String certFile;
    private final String keyFile;
    private final String token;
    private final Set<Integer> retry;

    HttpSource(Object value) {
        Members members = Members.of(value, "http", "url", "method", "headers", "query", "form", "body", "unix_socket",
                                     "ca_file", "cert_file", "key_file", "token", "retry");
        unixSocket = members.nonEmptyString("unix_socket");
        caFile = members.nonEmptyString("ca_file");
        certFile = members.nonEmptyString("cert_file");
        keyFile = members.nonEmptyString("key_file");
        if ((certFile == null) != (keyFile == null)) {
            throw members.invalidMember("cert_file", "goes with http.key_file: both or neither");
        }
        url = Members.template(members.get("url"), "http.url");
        if (url.isLiteral()) {
            TokenUrl.parse(url.text(), "http.url", unixSocket != null);
        }
        method = members.has("method") ? members.string("method") : "GET";
        if (!List.of("GET", "POST").contains(method)) {
            throw members.invalidMember("method", "must be GET or POST");
        }
        headers = members.templates("headers");
        checkHeaders(members.path("headers"));
        query = members.templates("query");
        form = members.has("form") ? members.templates("form") : null;
        if (query.containsKey("") || form != null && form.containsKey("")) {
            throw members.invalidMember(query.containsKey("") ? "query" : "form", "a parameter must have a name");
        }
        if (members.get("body") != null && !(members.get("body") instanceof Map)) {
            throw members.invalidMember("body", "must be an object");
        }
        body = Members.templatesIn(members.get("body"), "http.body");
        if (form != null && body != null) {
            throw members.invalidMember("form", "must not be beside http.body");
        }
        if ((form != null || body != null) && !method.equals("POST")) {
            throw members.invalidMember(form != null ? "form" : "body", "needs the method POST");
        }
        String pointer = members.string("token");
        token = pointer == null ? "" : pointer;
        if (!POINTER.matcher(token).matches()) {
            throw members.invalidMember("token", "must be a JSON Pointer");
        }
        retry = statuses(members);
    }

    private void checkHeaders(String path) {
        Set<String> seen = new HashSet<>();
        headers.forEach((name, value) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            String problem = !HEADER_NAME.matcher(name).matches() ? "is not the name of a header"
                             : FORBIDDEN.contains(lower) ? "cannot be set"
                             : !seen.add(lower) ? "is there twice"
                             : null;
            if (problem != null) {
                throw Members.invalid(Members.join(path, name), problem);
            }
            checkHeaderValue(name, value.text());
        });
    }

    /** Refuses a header's value that holds a control character. */
    static void checkHeaderValue(String name, String value) {
        if (value.chars().anyMatch(c -> c < 0x20 && c != '\t' || c == 0x7f)) {
            throw Members.invalid(Members.join("http.headers", name), "must not hold a control character");
        }
    }

    private static Set<Integer> statuses(Members members) {
        Set<Integer> statuses = new HashSet<>();
        if (!members.has("retry")) {
            return statuses;
        }
        List<?> elements = members.get("retry") instanceof List ? (List<?>) members.get("retry") : List.of();
        for (Object element : elements) {
            BigDecimal number = element instanceof BigDecimal ? (BigDecimal) element : BigDecimal.ZERO;
            boolean isStatus = number.compareTo(BigDecimal.valueOf(400)) >= 0
                && number.compareTo(BigDecimal.valueOf(499)) <= 0 && number.stripTrailingZeros().scale() <= 0;
            if (isStatus) {
                statuses.add(number.intValueExact());
            }
        }
        if (elements.isEmpty() || elements.size() > 8 || statuses.size() != elements.size()) {
            throw members.invalidMember("retry", "must be a list of 1 to 8 different integers from 400 to 499");
        }
        return statuses;
    }

    boolean mentionsAudience() {
        return url.mentionsAudience() || Stream.of(headers, query, form, body).anyMatch(HttpSource::mentionsAudience);
    }

    private static boolean mentionsAudience(Object value) {
        if (value instanceof Map) {
            return ((Map<?, ?>) value).values().stream().anyMatch(HttpSource::mentionsAudience);
        }
        if (value instanceof List) {
            return ((List<?>) value).stream().anyMatch(HttpSource::mentionsAudience);
        }
        return value instanceof Template && ((Template) value).mentionsAudience();
    }

    Template url() {
        return url;
    }

    String method() {
        return method;
    }

    Map<String, Template> headers() {
        return headers;
    }

    Map<String, Template> query() {
        return query;
    }

    /** The form to send, or null. */
    Map<String, Template> form() {
        return form;
    }

    /** The JSON to send, or null. */
    Object body() {
        return body;
    }

    /** The path of a unix socket to connect to, or null. */
    String unixSocket() {
        return unixSocket;
    }

    /** The file of the authorities to trust, or null. */
    String caFile() {
        return caFile;
    }

    /** The file of the client's certificate, or null. */
    String certFile() {
        return certFile;
    }

    /** The file of the client's key, or null. */
    String keyFile() {
        return keyFile;
    }

    /** The JSON Pointer to the token in a response. Empty: the text of the response is the token. */
    String token() {
        return token;
    }

    /** Statuses that this server uses for what passes. */
    Set<Integer> retry() {
        return retry;
    }
}

package io.github.awstokenserver;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The one request that a document describes, its references replaced. It holds secrets. */
final class TokenRequest {
    private final String method;
    private final TokenUrl url;
    private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    private final byte[] body;
    private final String unixSocket;
    private final Tls tls;
    private final boolean usesProxy;
    private final Secrets secrets;

    /**
     * @throws TokenServerException if something that the document names is missing, or wrong
     */
    TokenRequest(HttpSource source, Expansion expansion, Secrets secrets) {
        this.secrets = secrets;
        method = source.method();
        unixSocket = source.unixSocket();

        String variable = source.url().leadingVariable();
        String origin = variable == null ? "http.url" : "the variable " + variable;
        url = TokenUrl.parse(expansion.expandInUrl(source.url()), origin, unixSocket != null)
                      .withParameters(expansion.expand(source.query()));
        url.addSecrets(secrets);

        headers.put("Accept-Encoding", "identity");
        headers.put("User-Agent", "awstokenserver-java");
        if (source.body() != null) {
            Object json = expansion.expandAll(source.body());
            addStrings(json);
            body = Json.write(json);
            headers.put("Content-Type", "application/json");
        } else if (source.form() != null) {
            Map<String, String> form = expansion.expand(source.form());
            form.values().forEach(secrets::addWithWords);
            body = form.entrySet().stream().map(e -> Percent.encode(e.getKey()) + "=" + Percent.encode(e.getValue()))
                       .collect(Collectors.joining("&")).getBytes(StandardCharsets.UTF_8);
            headers.put("Content-Type", "application/x-www-form-urlencoded");
        } else {
            body = new byte[0];
        }
        expansion.expand(source.headers()).forEach((name, value) -> {
            HttpSource.checkHeaderValue(name, value);
            addHeaderSecrets(name, value);
            headers.put(name, value);
        });
        secrets.removeWithWords(expansion.audience());

        boolean isLocal = LocalHost.isLocal(url.host());
        tls = url.isSecure() ? Tls.of(source) : null;
        usesProxy = url.isSecure() && unixSocket == null && !isLocal;
    }

    private void addStrings(Object value) {
        if (value instanceof Map) {
            ((Map<?, ?>) value).values().forEach(this::addStrings);
        } else if (value instanceof List) {
            ((List<?>) value).forEach(this::addStrings);
        } else if (value instanceof String) {
            secrets.addWithWords((String) value);
        }
    }

    private void addHeaderSecrets(String name, String value) {
        String[] words = Blanks.trim(value).split("[ \t]+");
        boolean hasScheme = name.equalsIgnoreCase("Authorization") && words.length > 1;
        for (int i = hasScheme ? 1 : 0; i < words.length; i++) {
            secrets.add(words[i]);
        }
    }

    /** The bytes of the request, its headers in UTF-8. */
    byte[] bytes() {
        StringBuilder head = new StringBuilder();
        head.append(method).append(' ').append(url.target()).append(" HTTP/1.1\r\n");
        head.append("Host: ").append(url.authority()).append("\r\nConnection: close\r\n");
        headers.forEach((name, value) -> head.append(name).append(": ").append(Blanks.trim(value)).append("\r\n"));
        if (method.equals("POST")) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[start.length + body.length];
        System.arraycopy(start, 0, bytes, 0, start.length);
        System.arraycopy(body, 0, bytes, start.length, body.length);
        return bytes;
    }

    TokenUrl url() {
        return url;
    }

    /** The path of a unix socket to connect to, or null. */
    String unixSocket() {
        return unixSocket;
    }

    /** How to secure the connection, or null for plain http. */
    Tls tls() {
        return tls;
    }

    /** Whether the SDK's proxy is to be used, if it has one. */
    boolean usesProxy() {
        return usesProxy;
    }

    /** What a response may repeat, and an error must not. */
    Secrets secrets() {
        return secrets;
    }
}

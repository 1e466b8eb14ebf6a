package io.github.awstokenserver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;

/** A token server with an audience: what a value names. It may hold a secret. */
final class TokenServer {
    private static final String FORMS = "write a server's name, or URL_VARIABLE,TOKEN_VARIABLE, "
        + "or a JSON document in base64, each with an optional ,AUDIENCE";
    private static final String PAIR = "{\"version\": 1, \"http\": {\"url\": \"${env:%s}\", "
        + "\"headers\": {\"Authorization\": \"Bearer ${env:%s}\"}, "
        + "\"query\": {\"audience\": \"${audience}\"}, \"token\": \"/value\"}}";
    private static final Pattern BASE64 = Pattern.compile("([A-Za-z0-9+/_-]+)(={0,2})");
    private static final int MOST_OF_A_FILE = 64 * 1024;

    private final Document document;
    private final String audience;

    private TokenServer(Document document, String named) {
        String inDocument = document.audience() == null ? "" : document.audience();
        this.document = document;
        this.audience = named == null ? inDocument : named;
        if (!audience.isEmpty() && !document.mentionsAudience()) {
            throw TokenServerException.invalid("the token server takes no audience");
        }
        if (audience.isEmpty() && document.needsAudience()) {
            throw TokenServerException.invalid("the token server needs an audience; append it: VALUE,AUDIENCE");
        }
    }

    /**
     * Reads a value.
     *
     * @throws TokenServerException if it names no token server; the value may be a secret, and is not repeated
     */
    static TokenServer parse(String value) {
        String[] parts = cut(value);
        Document named = NamedServers.find(parts[0]);
        if (named != null) {
            return new TokenServer(named, parts[1]);
        }
        String similar = NamedServers.similarTo(parts[0]);
        if (similar != null) {
            throw TokenServerException.invalid("names of token servers are spelled exactly").withHint(
                "write " + similar);
        }
        String[] rest = cut(parts[1] == null ? "" : parts[1]);
        boolean isPair = VariableName.isValid(parts[0]) && VariableName.isValid(rest[0]);
        byte[] document = decodeBase64(parts[0]);
        if (document != null && !(isPair && !isJson(document))) {
            return new TokenServer(inDocument(document), parts[1]);
        }
        if (isPair) {
            byte[] pair = String.format(PAIR, parts[0], rest[0]).getBytes(StandardCharsets.UTF_8);
            return new TokenServer(Document.read(pair), rest[1]);
        }
        throw TokenServerException.invalid("the value names no token server").withHint(
            FORMS + "; the names are " + String.join(", ", NamedServers.names()));
    }

    /** Cuts a text at its first comma, and trims both parts. The second is null without a comma. */
    private static String[] cut(String text) {
        int comma = text.indexOf(',');
        return comma < 0 ? new String[] {Blanks.trim(text), null}
                         : new String[] {Blanks.trim(text.substring(0, comma)), Blanks.trim(text.substring(comma + 1))};
    }

    /** Decodes what may be a JSON object in either alphabet of base64, with and without padding; else returns null. */
    private static byte[] decodeBase64(String text) {
        var base64 = BASE64.matcher(text.replaceAll("[ \t\r\n]", ""));
        if (!base64.matches()) {
            return null;
        }
        String digits = base64.group(1);
        int padding = base64.group(2).length();
        boolean padded = padding > 0;
        boolean mixed = digits.matches(".*[+/].*") && digits.matches(".*[_-].*");
        if (digits.length() % 4 == 1 || padded && (digits.length() + padding) % 4 != 0 || mixed) {
            return null;
        }
        byte[] decoded = Base64.getDecoder().decode(digits.replace('-', '+').replace('_', '/'));
        for (byte b : decoded) {
            if (" \t\r\n".indexOf(b) < 0) {
                return b == '{' ? decoded : null;
            }
        }
        return null;
    }

    private static boolean isJson(byte[] text) {
        try {
            Json.parse(text);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static Document inDocument(byte[] text) {
        try {
            return Document.read(text);
        } catch (TokenServerException e) {
            throw e.in("the document");
        }
    }

    /**
     * Gets a fresh token.
     *
     * @param deadline a {@link System#nanoTime()}
     */
    WebToken token(long deadline) {
        try {
            return WebToken.of(read(deadline));
        } catch (TokenServerException e) {
            boolean hinted = e.errorClass() == ErrorClass.NOT_CONFIGURED || e.errorClass() == ErrorClass.TOKEN_REFUSED;
            throw hinted && document.hint() != null ? e.withHint(document.hint()) : e;
        }
    }

    private String read(long deadline) {
        Secrets secrets = new Secrets();
        Expansion expansion = new Expansion(audience, secrets);
        if (document.env() != null) {
            return expansion.variable(document.env(), null);
        }
        if (document.file() != null) {
            return LocalFile.read(expansion.expand(document.file()), MOST_OF_A_FILE);
        }
        return new TokenFetch(new TokenRequest(document.http(), expansion, secrets), document.http()).fetch(deadline);
    }
}

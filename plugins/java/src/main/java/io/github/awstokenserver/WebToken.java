package io.github.awstokenserver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Pattern;

/** A token that STS may take. It is not verified, and need not be a JWT. */
final class WebToken {
    private static final Pattern TOKEN = Pattern.compile("[!-~]{4,20000}");

    private final String value;

    private WebToken(String value) {
        this.value = value;
    }

    static WebToken of(String text) {
        String value = Blanks.trim(text);
        if (!TOKEN.matcher(value).matches()) {
            throw TokenServerException.malformed(
                "the token is not 4 to 20,000 characters of printable ASCII without white space");
        }
        return new WebToken(value);
    }

    String value() {
        return value;
    }

    /** The token and its parts, for error texts that may repeat them. */
    Secrets secrets() {
        Secrets secrets = new Secrets();
        secrets.add(value);
        for (String part : value.split("\\.")) {
            secrets.add(part);
        }
        return secrets;
    }

    /** Describes the claims that a trust policy looks at. */
    String describe() {
        String[] parts = value.split("\\.", -1);
        try {
            if (parts.length == 3) {
                Object claims = Json.parse(Base64.getUrlDecoder().decode(parts[1])).value();
                if (claims instanceof Map) {
                    return "a token with iss " + claim(claims, "iss") + ", sub " + claim(claims, "sub") + ", aud "
                        + claim(claims, "aud");
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            // It is another kind of token.
        }
        return "a token that is not a JWT";
    }

    private static String claim(Object claims, String name) {
        return new String(Json.write(((Map<?, ?>) claims).get(name)), StandardCharsets.UTF_8);
    }
}

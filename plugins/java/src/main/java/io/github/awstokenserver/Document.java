package io.github.awstokenserver;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A document, version 1: where a token comes from. It may hold a secret. */
final class Document {
    private static final int DEEPEST = 32;
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f]");

    private final String audience;
    private final String hint;
    private final HttpSource http;
    private final String env;
    private final Template file;

    private Document(Json json) {
        Members members = Members.of(json.value(), "", "version", "about", "audience", "http", "env", "file", "hint");
        members.string("about");
        audience = members.string("audience");
        hint = members.string("hint");
        if (hint != null && CONTROL.matcher(hint).find()) {
            throw members.invalidMember("hint", "must not hold a control character");
        }
        if (Stream.of("http", "env", "file").filter(members::has).count() != 1) {
            throw Members.invalid("", "exactly one of http, env, and file must be there");
        }
        env = members.string("env");
        if (env != null && !VariableName.isValid(env)) {
            throw members.invalidMember("env", "must be the name of a variable");
        }
        file = members.has("file") ? Members.template(members.get("file"), "file") : null;
        if (file != null && file.isEmpty()) {
            throw members.invalidMember("file", "must not be empty");
        }
        http = members.has("http") ? new HttpSource(members.get("http")) : null;
        if (audience != null && !audience.isEmpty() && !mentionsAudience()) {
            throw members.invalidMember("audience", "has no effect, because ${audience} is nowhere in the document");
        }
    }

    /**
     * Reads a document.
     *
     * @throws TokenServerException by the path of the member that is wrong
     */
    static Document read(byte[] text) {
        Json json;
        try {
            json = Json.parse(text);
        } catch (IOException e) {
            throw TokenServerException.invalid("it is not JSON in UTF-8");
        }
        if (json.depth() > DEEPEST) {
            throw TokenServerException.invalid("it is nested deeper than " + DEEPEST + " levels");
        }
        for (List<String> path : json.repeated()) {
            throw Members.invalid(path.stream().reduce("", Members::join), "is there twice");
        }
        if (!(json.value() instanceof Map)) {
            throw TokenServerException.invalid("it must be a JSON object");
        }
        Object version = ((Map<?, ?>) json.value()).get("version");
        if (!(version instanceof BigDecimal) || ((BigDecimal) version).compareTo(BigDecimal.ONE) != 0) {
            throw Members.invalid("version", "must be 1"); // of other versions nothing is known
        }
        checkNumbers(json.value(), "");
        return new Document(json);
    }

    /** Refuses numbers that another reader of JSON would change. */
    private static void checkNumbers(Object value, String path) {
        if (value instanceof Map) {
            ((Map<?, ?>) value).forEach((name, member) -> checkNumbers(member, Members.join(path, (String) name)));
        } else if (value instanceof List) {
            List<?> elements = (List<?>) value;
            for (int i = 0; i < elements.size(); i++) {
                checkNumbers(elements.get(i), Members.join(path, String.valueOf(i)));
            }
        } else if (value instanceof BigDecimal && !isKept((BigDecimal) value)) {
            throw Members.invalid(path, "is a number that an IEEE 754 double does not hold");
        }
    }

    /** Reports whether a number is the shortest decimal form of a double. */
    private static boolean isKept(BigDecimal number) {
        double nearest = number.doubleValue();
        if (Double.isInfinite(nearest)) {
            return false;
        }
        // Double.toString is not always the shortest form before Java 19.
        BigDecimal exact = new BigDecimal(nearest);
        BigDecimal shortest = exact;
        for (int digits = 17; digits > 0; digits--) {
            BigDecimal shorter = exact.round(new MathContext(digits));
            if (shorter.doubleValue() != nearest) {
                break;
            }
            shortest = shorter;
        }
        return number.compareTo(shortest) == 0;
    }

    boolean mentionsAudience() {
        return needsAudience() || http != null && http.mentionsAudience();
    }

    /** Reports whether there is no token without an audience. */
    boolean needsAudience() {
        return file != null && file.mentionsAudience() || http != null && http.url().mentionsAudience();
    }

    /** The audience where the setting names none, or null. */
    String audience() {
        return audience;
    }

    /** What to do where something is missing or refused, or null. */
    String hint() {
        return hint;
    }

    /** The token server to ask, or null. */
    HttpSource http() {
        return http;
    }

    /** The variable that holds the token, or null. */
    String env() {
        return env;
    }

    /** The file that holds the token, or null. */
    Template file() {
        return file;
    }
}

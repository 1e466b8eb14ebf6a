package io.github.awstokenserver;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Secrets that a response may repeat, in whatever encoding. A response that does so is not quoted at all: its escapes
 * are undone, up to twice, and its white space is taken out; then the first or the last three quarters of a secret are
 * enough, and so is what looks like a JWT.
 */
final class Secrets {
    private static final int SHORTEST = 4;
    private static final int MOST_QUOTED = 256;

    private static final Pattern JWT = Pattern.compile("eyJ[A-Za-z0-9_-]{5}");
    private static final Pattern WHITE_SPACE = Pattern.compile("[\\s\\u0085\\p{Z}]+");
    private static final Pattern JSON_ESCAPE =
        Pattern.compile("\\\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", Pattern.DOTALL);
    private static final Pattern HTML_REFERENCE =
        Pattern.compile("&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));");

    private final Set<String> secrets = new LinkedHashSet<>();

    void add(String secret) {
        if (secret.length() >= SHORTEST) {
            secrets.add(secret);
        }
    }

    /** Adds a text, and each of its words. */
    void addWithWords(String text) {
        add(Blanks.trim(text));
        for (String word : WHITE_SPACE.split(text)) {
            add(word);
        }
    }

    /** Takes out what is no secret: the audience. */
    void removeWithWords(String text) {
        secrets.remove(text);
        for (String word : WHITE_SPACE.split(text)) {
            secrets.remove(word);
        }
    }

    /** Returns the beginning of a response's body for an error, or what is said in its place. */
    String quote(byte[] body) {
        String text = new String(body, StandardCharsets.UTF_8);
        if (Blanks.trim(text).isEmpty()) {
            return "";
        }
        if (areIn(text)) {
            return " (response body withheld: it may contain a secret)";
        }
        byte[] beginning = Blanks.trim(text).getBytes(StandardCharsets.UTF_8);
        int length = Math.min(beginning.length, MOST_QUOTED);
        while (length > 0 && length < beginning.length && (beginning[length] & 0xC0) == 0x80) {
            length--; // not within a character
        }
        return ": " + Json.quote(new String(beginning, 0, length, StandardCharsets.UTF_8));
    }

    /** Reports whether a text may hold a secret. */
    boolean areIn(String text) {
        for (String seen : spellings(text)) {
            if (JWT.matcher(seen).find()) {
                return true;
            }
            for (String secret : secrets) {
                for (String spelling : spellings(secret)) {
                    int most = (3 * spelling.length() + 3) / 4;
                    if (spelling.length() >= SHORTEST
                        && (seen.contains(spelling.substring(0, most))
                            || seen.contains(spelling.substring(spelling.length() - most)))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static Set<String> spellings(String text) {
        String once = undo(text);
        Set<String> spellings = new LinkedHashSet<>();
        spellings.add(strip(text));
        spellings.add(strip(once));
        spellings.add(strip(undo(once)));
        return spellings;
    }

    private static String strip(String text) {
        return WHITE_SPACE.matcher(text).replaceAll("");
    }

    /** Replaces the escapes of JSON, of URLs, and of HTML. */
    private static String undo(String text) {
        String withoutJson = replace(JSON_ESCAPE, text, match -> {
            if (match.group(3) != null) {
                return jsonEscape(match.group(3));
            }
            return fromCodePoint(match.group(1) != null ? match.group(1) : match.group(2), 16);
        });
        return replace(HTML_REFERENCE, Percent.decode(withoutJson), match -> {
            if (match.group(3) != null) {
                return htmlReference(match.group(3));
            }
            return match.group(1) != null ? fromCodePoint(match.group(1), 10) : fromCodePoint(match.group(2), 16);
        });
    }

    private static String replace(Pattern pattern, String text, Function<MatchResult, String> replacement) {
        return pattern.matcher(text).replaceAll(match -> Matcher.quoteReplacement(replacement.apply(match)));
    }

    private static String jsonEscape(String character) {
        switch (character) {
            case "n":
            case "r":
            case "t":
            case "b":
            case "f":
                return " ";
            default:
                return character;
        }
    }

    private static String htmlReference(String name) {
        switch (name) {
            case "amp":
                return "&";
            case "lt":
                return "<";
            case "gt":
                return ">";
            case "quot":
                return "\"";
            default:
                return "'";
        }
    }

    private static String fromCodePoint(String digits, int radix) {
        int codePoint = Integer.parseInt(digits, radix);
        return Character.isValidCodePoint(codePoint) ? Character.toString(codePoint) : "";
    }
}

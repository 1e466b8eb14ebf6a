package io.github.awstokenserver;

import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A text of a document that may hold references. */
final class Template {
    /** A dollar that begins no reference matches too, alone. */
    private static final Pattern REFERENCE = Pattern.compile(
        "\\$(?:(\\$)|\\{env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}]*))?\\}|\\{file:([^${}]+)\\}|(\\{audience\\}))?");

    private final String text;

    /**
     * @throws TokenServerException if there is a dollar that begins no reference, or what is no variable's name
     */
    Template(String text, String path) {
        this.text = text;
        replace(match -> {
            if (match.group().equals("$")) {
                throw TokenServerException.invalid(path + ": holds a $ that begins none of "
                    + "${env:NAME}, ${env:NAME:-DEFAULT}, ${file:PATH}, ${audience}, and $$");
            }
            if (match.group(2) != null && !VariableName.isValid(match.group(2))) {
                throw TokenServerException.invalid(
                    path + ": refers to a variable whose name is too long, or looks like a token");
            }
            return "";
        });
    }

    /** Returns the text with what the expansion says in place of the references. */
    String expand(Expansion expansion, Function<String, String> encodeAudience) {
        return replace(match -> {
            if (match.group(1) != null) {
                return "$";
            }
            if (match.group(2) != null) {
                return expansion.variable(match.group(2), match.group(3));
            }
            if (match.group(4) != null) {
                return expansion.file(match.group(4));
            }
            return encodeAudience.apply(expansion.audience());
        });
    }

    private String replace(Function<MatchResult, String> replacement) {
        Matcher matcher = REFERENCE.matcher(text);
        return matcher.replaceAll(match -> Matcher.quoteReplacement(replacement.apply(match)));
    }

    boolean mentionsAudience() {
        return REFERENCE.matcher(text).results().anyMatch(match -> match.group(5) != null);
    }

    boolean isLiteral() {
        return !REFERENCE.matcher(text).find();
    }

    boolean isEmpty() {
        return text.isEmpty();
    }

    /** The variable that the text begins with, or null. */
    String leadingVariable() {
        Matcher matcher = REFERENCE.matcher(text);
        return matcher.lookingAt() ? matcher.group(2) : null;
    }

    /** The text as it is written. */
    String text() {
        return text;
    }
}

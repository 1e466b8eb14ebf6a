package io.github.awstokenserver;

import java.util.regex.Pattern;

/** Names of environment variables in a setting. */
final class VariableName {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");
    private static final Pattern SECRET =
        Pattern.compile("(eyJ|gh[pos]_|github_pat_|glpat-|AKIA|ASIA).*", Pattern.DOTALL);

    private VariableName() {
    }

    /** Reports whether a text can be a variable's name, and is not a token or key in the place of one. */
    static boolean isValid(String text) {
        return NAME.matcher(text).matches() && !SECRET.matcher(text).matches();
    }
}

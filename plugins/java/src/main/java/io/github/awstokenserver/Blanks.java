package io.github.awstokenserver;

/** Blanks are spaces, tabs, carriage returns, and line feeds. */
final class Blanks {
    private Blanks() {
    }

    /** Returns the text without the blanks around it. */
    static String trim(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isBlank(text.charAt(start))) {
            start++;
        }
        while (start < end && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    /** Returns the trimmed text, or null where that is empty: a setting that holds nothing is none. */
    static String trimToNull(String text) {
        String trimmed = text == null ? "" : trim(text);
        return trimmed.isEmpty() ? null : trimmed;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
    }
}

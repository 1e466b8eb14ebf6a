package io.github.awstokenserver;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The token servers that a name stands for. */
final class NamedServers {
    private static final Map<?, ?> DOCUMENTS = load();
    private static final Pattern NEITHER_LETTER_NOR_DIGIT = Pattern.compile("[^A-Za-z0-9]");

    private NamedServers() {
    }

    private static Map<?, ?> load() {
        try (InputStream in = NamedServers.class.getResourceAsStream("servers.json")) {
            return (Map<?, ?>) Json.parse(in.readAllBytes()).value();
        } catch (IOException e) {
            throw new IllegalStateException("servers.json cannot be read", e);
        }
    }

    /** Returns the document of a name, or null. */
    static Document find(String name) {
        return DOCUMENTS.containsKey(name) ? Document.read(Json.write(DOCUMENTS.get(name))) : null;
    }

    /** Returns the name that differs from a text in nothing but case and punctuation, or null. */
    static String similarTo(String text) {
        return names().stream().filter(name -> plain(name).equals(plain(text))).findAny().orElse(null);
    }

    @SuppressWarnings("unchecked")
    static Set<String> names() {
        return (Set<String>) DOCUMENTS.keySet();
    }

    private static String plain(String text) {
        return NEITHER_LETTER_NOR_DIGIT.matcher(text).replaceAll("").toLowerCase(Locale.ROOT);
    }
}

package io.github.awstokenserver;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the references of a document stand for, for one token. */
final class Expansion {
    private static final int MOST_OF_A_FILE = 64 * 1024;

    private final String audience;
    private final Secrets secrets;

    Expansion(String audience, Secrets secrets) {
        this.audience = audience;
        this.secrets = secrets;
    }

    String audience() {
        return audience;
    }

    String expand(Template template) {
        return template.expand(this, Function.identity());
    }

    String expandInUrl(Template template) {
        return template.expand(this, Percent::encode);
    }

    /** Expands the values, without those that are left out because there is no audience. */
    Map<String, String> expand(Map<String, Template> templates) {
        Map<String, String> values = new LinkedHashMap<>();
        templates.forEach((name, template) -> {
            if (!leavesOut(template)) {
                values.put(name, expand(template));
            }
        });
        return values;
    }

    /** Expands the templates within a JSON value. */
    Object expandAll(Object value) {
        if (value instanceof Template) {
            return expand((Template) value);
        }
        if (value instanceof Map) {
            Map<String, Object> members = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((name, member) -> {
                if (!leavesOut(member)) {
                    members.put((String) name, expandAll(member));
                }
            });
            return members;
        }
        if (value instanceof List) {
            List<Object> elements = new ArrayList<>();
            ((List<?>) value).stream().filter(element -> !leavesOut(element)).forEach(e -> elements.add(expandAll(e)));
            return elements;
        }
        return value;
    }

    private boolean leavesOut(Object value) {
        return audience.isEmpty() && value instanceof Template && ((Template) value).mentionsAudience();
    }

    /**
     * @param fallback what a variable that is missing or empty stands for, or null
     */
    String variable(String name, String fallback) {
        String value = System.getenv(name);
        if (Blanks.trimToNull(value) == null) {
            if (fallback == null) {
                throw TokenServerException.notConfigured(
                    "the variable " + name + (value == null ? " is not set" : " is empty"));
            }
            value = fallback;
        }
        secrets.addWithWords(value);
        return value;
    }

    String file(String path) {
        String content = LocalFile.read(path, MOST_OF_A_FILE);
        secrets.addWithWords(content);
        return content;
    }
}

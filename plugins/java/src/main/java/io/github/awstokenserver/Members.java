package io.github.awstokenserver;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The members of a JSON object in a document. What is wrong with one is an error with its path. */
final class Members {
    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private final String path;
    private final Map<?, ?> members;

    private Members(String path, Map<?, ?> members) {
        this.path = path;
        this.members = members;
    }

    static Members of(Object value, String path, String... known) {
        if (!(value instanceof Map)) {
            throw invalid(path, "must be an object");
        }
        for (Object name : ((Map<?, ?>) value).keySet()) {
            if (!List.of(known).contains(name)) {
                throw invalid(join(path, (String) name), "is not known; known here are " + String.join(", ", known));
            }
        }
        return new Members(path, (Map<?, ?>) value);
    }

    /** The path of a member. What a name could do to a log is neutralized. */
    static String join(String path, String name) {
        String quoted = Json.quote(name);
        String shown = PLAIN_NAME.matcher(name).matches() ? name : quoted.substring(0, Math.min(quoted.length(), 64));
        return path.isEmpty() ? shown : path + "." + shown;
    }

    static TokenServerException invalid(String path, String problem) {
        return TokenServerException.invalid(path.isEmpty() ? problem : path + ": " + problem);
    }

    TokenServerException invalidMember(String name, String problem) {
        return invalid(join(path, name), problem);
    }

    boolean has(String name) {
        return members.containsKey(name);
    }

    Object get(String name) {
        return members.get(name);
    }

    String path(String name) {
        return join(path, name);
    }

    /** Returns a string, or null where there is none. */
    String string(String name) {
        return has(name) ? string(get(name), path(name)) : null;
    }

    /** Returns a string, or null where there is none or an empty one. */
    String nonEmptyString(String name) {
        String text = string(name);
        return text == null || text.isEmpty() ? null : text;
    }

    /** Returns the templates of an object, which is empty where there is none. */
    Map<String, Template> templates(String name) {
        Map<String, Template> templates = new LinkedHashMap<>();
        if (has(name)) {
            if (!(get(name) instanceof Map)) {
                throw invalidMember(name, "must be an object");
            }
            ((Map<?, ?>) get(name)).forEach(
                (key, value) -> templates.put((String) key, template(value, join(path(name), (String) key))));
        }
        return templates;
    }

    static Template template(Object value, String path) {
        return new Template(string(value, path), path);
    }

    /** Makes templates of the strings in a JSON value. */
    static Object templatesIn(Object value, String path) {
        if (value instanceof String) {
            return template(value, path);
        }
        if (value instanceof Map) {
            Map<String, Object> templates = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach(
                (name, member) -> templates.put((String) name, templatesIn(member, join(path, (String) name))));
            return templates;
        }
        if (value instanceof List) {
            List<Object> templates = new ArrayList<>();
            ((List<?>) value).forEach(
                element -> templates.add(templatesIn(element, join(path, String.valueOf(templates.size())))));
            return templates;
        }
        return value;
    }

    private static String string(Object value, String path) {
        if (!(value instanceof String)) {
            throw invalid(path, "must be a string");
        }
        return (String) value;
    }
}

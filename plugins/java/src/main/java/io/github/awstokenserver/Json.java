package io.github.awstokenserver;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.protocols.jsoncore.JsonWriter;
import software.amazon.awssdk.thirdparty.jackson.core.JsonFactory;
import software.amazon.awssdk.thirdparty.jackson.core.JsonParser;
import software.amazon.awssdk.thirdparty.jackson.core.JsonToken;

/**
 * JSON as maps, lists, strings, {@link BigDecimal}s, booleans, and null. It is read with the parser that the SDK ships,
 * because the SDK's JsonNodeParser takes comments, ignores what follows the value, and drops repeated members.
 */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final List<List<String>> repeated = new ArrayList<>();
    private final Object value;
    private int depth;

    private Json(JsonParser parser) throws IOException {
        value = read(parser, parser.nextToken(), new ArrayList<>());
        if (parser.nextToken() != null) {
            throw new IOException("there is more than one value");
        }
    }

    /**
     * Reads a JSON text.
     *
     * @throws IOException if it is not JSON, or not UTF-8; the message may repeat what is in it
     */
    static Json parse(byte[] text) throws IOException {
        try (JsonParser parser = FACTORY.createParser(decode(text))) {
            return new Json(parser);
        }
    }

    /** Decodes UTF-8. */
    static String decode(byte[] text) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    }

    Object value() {
        return value;
    }

    /** How many objects and lists are within each other. */
    int depth() {
        return depth;
    }

    /** The paths of members that are there more than once. */
    List<List<String>> repeated() {
        return repeated;
    }

    private Object read(JsonParser parser, JsonToken token, List<String> path) throws IOException {
        if (token == null) {
            throw new IOException("there is no value");
        }
        depth = Math.max(depth, path.size() + (token.isStructStart() ? 1 : 0));
        switch (token) {
            case START_OBJECT:
                Map<String, Object> members = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    path.add(name);
                    if (members.containsKey(name)) {
                        repeated.add(List.copyOf(path));
                    }
                    members.put(name, read(parser, parser.nextToken(), path));
                    path.remove(path.size() - 1);
                }
                return members;
            case START_ARRAY:
                List<Object> elements = new ArrayList<>();
                for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
                    path.add(String.valueOf(elements.size()));
                    elements.add(read(parser, t, path));
                    path.remove(path.size() - 1);
                }
                return elements;
            case VALUE_STRING:
                return parser.getText();
            case VALUE_TRUE:
                return true;
            case VALUE_FALSE:
                return false;
            case VALUE_NULL:
                return null;
            default:
                return number(parser.getText());
        }
    }

    private static BigDecimal number(String text) throws IOException {
        try {
            return new BigDecimal(text);
        } catch (NumberFormatException e) {
            throw new IOException("a number is out of range", e);
        }
    }

    /** Writes a value as JSON in UTF-8. */
    static byte[] write(Object value) {
        JsonWriter writer = JsonWriter.create();
        write(writer, value);
        return writer.getBytes();
    }

    private static void write(JsonWriter writer, Object value) {
        if (value == null) {
            writer.writeNull();
        } else if (value instanceof Map) {
            writer.writeStartObject();
            ((Map<?, ?>) value).forEach((name, member) -> {
                writer.writeFieldName((String) name);
                write(writer, member);
            });
            writer.writeEndObject();
        } else if (value instanceof List) {
            writer.writeStartArray();
            ((List<?>) value).forEach(element -> write(writer, element));
            writer.writeEndArray();
        } else if (value instanceof BigDecimal) {
            writer.writeNumber(value.toString());
        } else if (value instanceof Boolean) {
            writer.writeValue((boolean) value);
        } else {
            writer.writeValue((String) value);
        }
    }

    /** Writes a text as a JSON string: on one line, and in quotes. */
    static String quote(String text) {
        return new String(write(text), StandardCharsets.UTF_8);
    }
}

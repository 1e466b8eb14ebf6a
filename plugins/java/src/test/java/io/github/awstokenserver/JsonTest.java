package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static Json parse(String text) throws IOException {
        return Json.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "{}x", "{} {}", "NaN", "[Infinity]", "{\"a\": 1,}", "// no\n{}", "{'a': 1}",
        "\uFEFF{}", "01"})
    void refusesWhatIsNotJson(String text) {
        assertThrows(IOException.class, () -> parse(text));
    }

    @Test
    void refusesWhatIsNotUtf8() {
        assertThrows(IOException.class, () -> Json.parse(new byte[] {'"', (byte) 0xff, '"'}));
    }

    @Test
    void findsRepeatedMembers() throws IOException {
        assertEquals(List.of(List.of("a", "0", "b")), parse("{\"a\": [{\"b\": 1, \"\\u0062\": 2}], \"b\": 3}")
            .repeated());
    }

    @Test
    void countsLevels() throws IOException {
        assertEquals(0, parse("1").depth());
        assertEquals(3, parse("{\"a\": [[1], 2]}").depth());
    }

    @Test
    void writesWhatItReads() throws IOException {
        String text = "{\"a\":[1,1.50,true,false,null,\"\u00e9\\\"\\n\"],\"b\":{}}";
        assertEquals(text, new String(Json.write(parse(text).value()), StandardCharsets.UTF_8));
    }
}

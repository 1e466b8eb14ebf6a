package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentTest {
    private static Document read(String text) {
        return Document.read(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Document http(String members) {
        return read("{\"version\": 1, \"http\": {\"url\": \"https://x\"" + members + "}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "1.0", "1e0", "0.1e1"})
    void takesEveryWayToWriteItsVersion(String version) {
        assertEquals("T", read("{\"version\": " + version + ", \"env\": \"T\"}").env());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "[]                                                            | must be a JSON object",
        "{\"env\": \"T\"}                                              | version: must be 1",
        "{\"version\": \"1\", \"env\": \"T\"}                          | version: must be 1",
        "{\"version\": 2, \"new\": true}                               | version: must be 1",
        "{\"version\": 1}                                              | exactly one of",
        "{\"version\": 1, \"env\": \"T\", \"file\": \"f\"}             | exactly one of",
        "{\"version\": 1, \"env\": \"1T\"}                             | env: must be the name of a variable",
        "{\"version\": 1, \"env\": \"T\", \"Hint\": \"\"}              | Hint: is not known",
        "{\"version\": 1, \"env\": \"T\", \"hint\": \"\\n\"}           | hint: must not hold",
        "{\"version\": 1, \"env\": \"T\", \"audience\": \"a\"}         | audience: has no effect",
        "{\"version\": 1, \"file\": \"\"}                              | file: must not be empty",
        "{\"version\": 1, \"file\": \"$x\"}                            | file: holds a $",
        "{\"version\": 1, \"http\": {\"url\": 1}}                      | http.url: must be a string",
        "{\"version\": 1, \"http\": []}                                | http: must be an object",
        "{\"version\": 1, \"env\": \"T\", \"about\": \"\", \"about\": \"\"} | about: is there twice"})
    void refusesByPath(String text, String problem) {
        TokenServerException e = assertThrows(TokenServerException.class, () -> read(text));
        assertEquals(ErrorClass.CONFIG_INVALID, e.errorClass());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        ", \"method\": \"PUT\"                                         | http.method:",
        ", \"method\": null                                            | http.method:",
        ", \"headers\": {\"Host\": \"x\"}                              | http.headers.Host: cannot be set",
        ", \"headers\": {\"a\": \"x\", \"A\": \"x\"}                   | http.headers.A: is there twice",
        ", \"headers\": {\"a b\": \"x\"}                               | http.headers.\"a b\": is not the name",
        ", \"headers\": {\"a\": \"x\\ny\"}                             | http.headers.a: must not hold a control",
        ", \"headers\": {\"a\": \"${env:ghp_0123456789}\"}             | http.headers.a: refers to a variable",
        ", \"query\": {\"\": \"x\"}                                    | http.query: a parameter must",
        ", \"body\": {}                                                | http.body: needs the method POST",
        ", \"form\": {}                                                | http.form: needs the method POST",
        ", \"method\": \"POST\", \"form\": {}, \"body\": {}            | http.form: must not be beside",
        ", \"method\": \"POST\", \"form\": {\"a\": 1}                  | http.form.a: must be a string",
        ", \"method\": \"POST\", \"body\": {\"a\": [\"$\"]}            | http.body.a.0: holds a $",
        ", \"method\": \"POST\", \"body\": {\"a\": 12345678901234567890} | http.body.a: is a number",
        ", \"method\": \"POST\", \"body\": {\"a\": 1e400}              | http.body.a: is a number",
        ", \"method\": \"POST\", \"body\": {\"a\": 1e-400}             | http.body.a: is a number",
        ", \"cert_file\": \"c\"                                        | http.cert_file: goes with http.key_file",
        ", \"token\": \"value\"                                        | http.token: must be a JSON Pointer",
        ", \"token\": \"/~2\"                                          | http.token: must be a JSON Pointer",
        ", \"retry\": []                                               | http.retry: must be a list",
        ", \"retry\": [404, 404]                                       | http.retry: must be a list",
        ", \"retry\": [404.5]                                          | http.retry: must be a list",
        ", \"retry\": [500]                                            | http.retry: must be a list"})
    void refusesRequestsByPath(String members, String problem) {
        TokenServerException e = assertThrows(TokenServerException.class, () -> http(members));
        assertEquals(ErrorClass.CONFIG_INVALID, e.errorClass());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-0", "100", "1.50", "0.1", "1E23", "9007199254740993e-16", "5e-324", "1.1e23",
        "123456789012345680000"})
    void takesNumbersThatADoubleGivesBack(String number) {
        assertDoesNotThrow(() -> http(", \"method\": \"POST\", \"body\": {\"n\": " + number + "}"));
    }

    @Test
    void readsStatusesThatPass() {
        assertEquals(Set.of(404, 410), http(", \"retry\": [404, 410.0]").http().retry());
    }

    @Test
    void refusesWhatIsNestedTooDeep() {
        String body = ", \"method\": \"POST\", \"body\": {\"a\": ";
        assertDoesNotThrow(() -> http(body + "[".repeat(29) + "]".repeat(29) + "}"));
        assertThrows(TokenServerException.class, () -> http(body + "[".repeat(30) + "]".repeat(30) + "}"));
        assertThrows(TokenServerException.class, () -> http(body + "[".repeat(9000) + "]".repeat(9000) + "}"));
    }
}

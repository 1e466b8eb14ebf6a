package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenServerTest {
    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static WebToken token(String document) {
        return TokenServer.parse(base64(document)).token(Long.MAX_VALUE);
    }

    private static TokenServerException refusal(String value) {
        TokenServerException e = assertThrows(TokenServerException.class, () -> TokenServer.parse(value));
        assertEquals(ErrorClass.CONFIG_INVALID, e.errorClass());
        return e;
    }

    @ParameterizedTest
    @ValueSource(strings = {"GitHub", " GitHub , a,b ", "GitHub,", "Fly", "URL,TOKEN", "URL , TOKEN , a", "URL,TOKEN,",
        "e2e_url,e2e_token", "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJUIn0=", "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJUIn0",
            "eyJ2ZXJz\n aW9uIjox LCJlbnYiOiJUIn0"})
    void reads(String value) {
        assertDoesNotThrow(() -> TokenServer.parse(value));
    }

    @Test
    void knowsTheDocumentsOfAllNames() {
        NamedServers.names().forEach(name -> assertDoesNotThrow(
            () -> TokenServer.parse(name + (NamedServers.find(name).mentionsAudience() ? ",a" : ""))));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "github               | write GitHub",
        "Git-Hub,a            | write GitHub",
        "Nothing              | names no token server",
        "URL                  | names no token server",
        "'{\"version\": 1}'   | names no token server",
        "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJUIn0==| names no token server"})
    void refuses(String value, String problem) {
        assertTrue(refusal(value).getMessage().contains(problem), refusal(value).getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"URL,ghp_0123456789", "ghs_0123456789,TOKEN", "URL,eyJhbGciOi",
        "AKIAIOSFODNN7EXAMPLE,TOKEN",
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.c2ln"})
    void doesNotRepeatATokenInThePlaceOfAName(String value) {
        for (String part : value.split("[,.]")) {
            assertFalse(part.length() > 8 && refusal(value).getMessage().contains(part));
        }
    }

    @Test
    void refusesAnAudienceWithoutEffect() {
        String document = base64("{\"version\": 1, \"env\": \"T\"}");
        assertTrue(refusal(document + ",a").getMessage().contains("takes no audience"));
        assertDoesNotThrow(() -> TokenServer.parse(document + ","));
        assertTrue(refusal(base64("{\"version\": 1, \"file\": \"${audience}\"}")).getMessage()
            .contains("needs an audience"));
    }

    @Test
    void readsATokenInAVariableOrFile(@TempDir Path folder) throws IOException {
        assertEquals("s3cr3t-of-the-request", token("{\"version\": 1, \"env\": \"TEST_SECRET\"}").value());
        Path file = Files.writeString(folder.resolve("token"), " the-token\r\n");
        assertEquals("the-token", token("{\"version\": 1, \"file\": \"" + file + "\"}").value());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "\"env\": \"TEST_MISSING\", \"hint\": \"do it\"  | NOT_CONFIGURED | TEST_MISSING is not set; do it",
        "\"env\": \"TEST_EMPTY\"                         | NOT_CONFIGURED | TEST_EMPTY is empty",
        "\"file\": \"/nowhere/token\"                    | NOT_CONFIGURED | it does not exist",
        "\"file\": \"/\"                                 | CONFIG_INVALID | not a regular file",
        "\"file\": \"${env:TEST_MISSING}\"               | NOT_CONFIGURED | TEST_MISSING is not set",
        "\"file\": \"${env:TEST_MISSING:-/nowhere}\"     | NOT_CONFIGURED | \"/nowhere\" cannot be read",
        "\"http\": {\"url\": \"${env:TEST_SECRET}\"}     | CONFIG_INVALID | the variable TEST_SECRET: is not a URL"})
    void says(String source, ErrorClass errorClass, String problem) {
        TokenServerException e =
            assertThrows(TokenServerException.class, () -> token("{\"version\": 1, " + source + "}"));
        assertEquals(errorClass, e.errorClass());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc", "a b c d", "tok\u00a0en", "\u000ctoken", "t\u00f6ken"})
    void refusesWhatIsNoToken(String text) {
        assertEquals(ErrorClass.TOKEN_MALFORMED,
                     assertThrows(TokenServerException.class, () -> WebToken.of(text)).errorClass());
        assertEquals(20_000, WebToken.of("x".repeat(20_000)).value().length());
        assertThrows(TokenServerException.class, () -> WebToken.of("x".repeat(20_001)));
    }

    @Test
    void describesTheClaimsOfAJwt() {
        assertEquals("a token with iss \"https://iss\", sub \"s\", aud \"a\"",
            WebToken.of(TestServer.TOKEN).describe());
        assertEquals("a token that is not a JWT", WebToken.of("opaque").describe());
        assertEquals("a token that is not a JWT", WebToken.of("a.b.c").describe());
    }
}

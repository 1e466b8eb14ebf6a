package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
    private static final String WITHHELD = " (response body withheld: it may contain a secret)";

    private static String quote(String text, String... secrets) {
        Secrets all = new Secrets();
        for (String secret : secrets) {
            all.addWithWords(secret);
        }
        return all.quote(text.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"no: q/w+e\"r&t<y", "no: q\\/w+e\\\"r&t<y", "q\\u002fw\\u002be\\\"r\\u0026t\\u003cy",
        "q%2Fw%2be%22r%26t%3Cy",
        "q%252Fw%252Be%2522r%2526t%253Cy", "q/w&#43;e&quot;r&amp;t&lt;y", "q&#x2f;w&#x2B;e&#34;r&amp;t&#60;y",
            "q/w+\n e\"r&\tt<y",
        "xxq/w+e\"r&txx", "xxw+e\"r&t<yxx", "q\\x2fw\\x2be\\x22r\\x26t\\x3cy"})
    void withholdsASecretInAnyEncoding(String text) {
        assertEquals(WITHHELD, quote(text, "q/w+e\"r&t<y"));
    }

    @Test
    void withholdsWhatASecretStandsForWhenDecoded() {
        assertEquals(WITHHELD, quote("no: q/w+e", "q%2Fw%2Be"));
    }

    @Test
    void withholdsAWordOfASecretAndWhatLooksLikeAJwt() {
        assertEquals(WITHHELD, quote("no: second", "first second"));
        assertEquals(WITHHELD, quote("no: eyJhbGci"));
        assertEquals(": \"no: eyJhbGc\"", quote("no: eyJhbGc"));
    }

    @Test
    void quotesWhatHoldsNone() {
        assertEquals("", quote(" \n"));
        assertEquals(": \"no\\nway\"", quote(" no\nway ", "abc", "0123456789"));
        assertEquals(": \"012345 456789\"", quote("012345 456789".replace(" ", " x").replace("x", ""), "0123456789ab"));
    }

    @Test
    void quotesAtMost256BytesAndWholeCharacters() {
        assertEquals(": \"" + "x".repeat(255) + "\"", quote("x".repeat(255) + "\u00e9"));
        assertEquals(": \"" + "x".repeat(254) + "\u00e9\"", quote("x".repeat(254) + "\u00e9yyy"));
    }

    @Test
    void doesNotCountTheAudience() {
        Secrets secrets = new Secrets();
        secrets.addWithWords("sts.amazonaws.com");
        secrets.removeWithWords("sts.amazonaws.com");
        assertFalse(secrets.areIn("no audience sts.amazonaws.com"));
        secrets.add("tokens");
        assertTrue(secrets.areIn("no tokens"));
    }
}

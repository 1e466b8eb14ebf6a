package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HttpResponseTest {
    private static HttpResponse read(String text) throws IOException {
        HttpResponse response = new HttpResponse(new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)));
        response.readBody();
        return response;
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodymore",
        "HTTP/1.0 200\r\n\r\nbody",
        "HTTP/1.1 200 OK\ncontent-length:4\n\nbody",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3;x=y\r\nody\r\n0\r\nTrailer: x\r\n\r\n"})
    void readsTheBody(String text) throws IOException {
        assertEquals("body", new String(read(text).body(), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "HTTP/2 200\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nbody\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbody\r\n0\r\n\r\n"})
    void failsOnWhatIsCutShortOrMalformed(String text) {
        assertThrows(IOException.class, () -> read(text));
    }

    @Test
    void boundsTheHeadersAndTheBody() throws IOException {
        String most = "HTTP/1.1 200 OK\r\nX: " + "x".repeat(65_000) + "\r\n\r\n";
        assertEquals(65_537, read(most + "y".repeat(100_000)).body().length);
        assertEquals(65_537, read("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
            + "y".repeat(70_000)).body().length);
        assertEquals(65_537, read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1\r\ny\r\n".repeat(70_000)).body().length);
        assertThrows(IOException.class, () -> read("HTTP/1.1 200 OK\r\nX: " + "x".repeat(66_000) + "\r\n\r\n"));
        assertThrows(IOException.class, () -> read("HTTP/1.1 200 OK\r\n" + "X: y\r\n".repeat(20_000) + "\r\n"));
    }

    @Test
    void readsRetryAfter() {
        assertEquals(Duration.ZERO, TokenFetch.retryAfter(null));
        assertEquals(Duration.ofSeconds(3), TokenFetch.retryAfter("3"));
        assertEquals(Duration.ofHours(1), TokenFetch.retryAfter("99999999999999999999"));
        assertEquals(Duration.ZERO, TokenFetch.retryAfter("soon"));
        assertEquals(Duration.ZERO, TokenFetch.retryAfter("Sun, 06 Nov 1994 08:49:37 GMT"));
    }
}

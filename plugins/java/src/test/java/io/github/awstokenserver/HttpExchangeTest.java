package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.exception.AbortedException;

@Timeout(30)
class HttpExchangeTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final BlockingQueue<String> heads = new LinkedBlockingQueue<>();

    private static TokenRequest request(String json) {
        Document document = Document.read(json.getBytes(StandardCharsets.UTF_8));
        Secrets secrets = new Secrets();
        return new TokenRequest(document.http(), new Expansion("", secrets), secrets);
    }

    private static TokenRequest request(int port, String members) {
        return request("{\"version\": 1, \"http\": {\"url\": \"http://127.0.0.1:" + port + "/t?q=%2b\"" + members
            + "}}");
    }

    private Relay server(String response) throws IOException {
        return new Relay(connection -> {
            heads.add(Relay.readHead(connection.getInputStream()));
            connection.getOutputStream().write(response.getBytes(StandardCharsets.UTF_8));
        });
    }

    @Test
    void sendsHeadersInUtf8AndTheQueryAsItIs() throws Exception {
        try (Relay server = server("HTTP/1.1 200 OK\r\n\r\nx")) {
            String members = ", \"headers\": {\"X-Name\": \"\u00e9\u20ac\", \"user-agent\": \"u\"}";
            HttpExchange.send(request(server.port(), members), 5 * SECOND);
            String head = heads.take();
            assertTrue(head.startsWith("GET /t?q=%2b HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\n"), head);
            String utf8 = new String(head.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
            assertTrue(utf8.contains("X-Name: \u00e9\u20ac\r\n"), utf8);
            assertTrue(utf8.contains("Accept-Encoding: identity\r\nUser-Agent: u\r\n"), utf8);
        }
    }

    @Test
    void sendsAForm() throws Exception {
        String members = ", \"method\": \"POST\", \"form\": {\"a b\": \"1&\u00e9\", \"c\": \"${audience}\"}";
        String bytes = new String(request(1, members).bytes(), StandardCharsets.UTF_8);
        assertTrue(bytes.contains("Content-Type: application/x-www-form-urlencoded\r\n"), bytes);
        assertTrue(bytes.endsWith("Content-Length: 16\r\n\r\na%20b=1%26%C3%A9"), bytes);
    }

    @Test
    void endsWhereTheServerSwitchesProtocols() throws Exception {
        BlockingQueue<Integer> afterResponse = new LinkedBlockingQueue<>();
        try (Relay server = new Relay(connection -> {
            Relay.readHead(connection.getInputStream());
            connection.getOutputStream().write("HTTP/1.1 101 Switching\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            afterResponse.add(connection.getInputStream().read());
        })) {
            assertEquals(101, HttpExchange.send(request(server.port(), ""), 20 * SECOND).status());
            assertEquals(-1, afterResponse.take());
        }
    }

    @Test
    void endsAfterATimeFromConnectingToTheEndOfTheBody() throws Exception {
        try (Relay server = new Relay(connection -> {
            Relay.readHead(connection.getInputStream());
            connection.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            while (true) { // a byte now and then: no single read takes long
                connection.getOutputStream().write('x');
                Thread.sleep(20);
            }
        })) {
            TokenRequest request = request(server.port(), "");
            assertThrows(SocketTimeoutException.class, () -> HttpExchange.send(request, SECOND / 5));
        }
    }

    @Test
    void takesAStatusThatIsNoSuccessWhateverBecomesOfTheBody() throws Exception {
        try (Relay server = new Relay(connection -> {
            Relay.readHead(connection.getInputStream());
            connection.getOutputStream().write(
                "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno".getBytes(StandardCharsets.UTF_8));
            connection.getInputStream().read(); // until the client ends it
        })) {
            HttpResponse response = HttpExchange.send(request(server.port(), ""), SECOND / 2);
            assertEquals(403, response.status());
            assertEquals("no", new String(response.body(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void endsWhereItsThreadIsInterrupted() throws Exception {
        try (Relay server = new Relay(connection -> connection.getInputStream()
            .transferTo(OutputStream.nullOutputStream()))) {
            Thread.currentThread().interrupt();
            assertThrows(AbortedException.class, () -> HttpExchange.send(request(server.port(), ""), 20 * SECOND));
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void failsWhereNothingListens() throws Exception {
        int port;
        try (Relay server = server("")) {
            port = server.port();
        }
        assertThrows(IOException.class, () -> HttpExchange.send(request(port, ""), 5 * SECOND));
    }
}

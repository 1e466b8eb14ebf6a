package io.github.awstokenserver;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/** A token server, at /token, and an STS, at every other path. Responses come in order, and the last one again. */
final class TestServer implements AutoCloseable {
    static final String TOKEN =
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzcyIsInN1YiI6InMiLCJhdWQiOiJhIn0.c2lnbmF0dXJl";

    final List<String> tokenRequests = Collections.synchronizedList(new ArrayList<>());
    final List<String> stsRequests = Collections.synchronizedList(new ArrayList<>());

    private final Deque<String> tokenResponses = new ArrayDeque<>();
    private final Deque<String> stsResponses = new ArrayDeque<>();
    private final HttpServer server;

    TestServer() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/token", exchange -> respond(exchange, tokenRequests, tokenResponses));
        server.createContext("/", exchange -> respond(exchange, stsRequests, stsResponses));
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** A document whose token server this is. */
    String document() {
        return Base64.getEncoder().encodeToString(
            ("{\"version\": 1, \"http\": {\"url\": \"" + url() + "/token\", \"headers\": "
                + "{\"Authorization\": \"Bearer ${env:TEST_SECRET}\"}}}").getBytes(StandardCharsets.UTF_8));
    }

    TestServer token(int status, String body) {
        tokenResponses.add(status + " " + body);
        return this;
    }

    TestServer sts(int status, String body) {
        stsResponses.add(status + " " + body);
        return this;
    }

    TestServer refusal(int status, String code, String message) {
        return sts(status, "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message
            + "</Message></Error></ErrorResponse>");
    }

    TestServer credentials(String keyId, Instant expiration) {
        String credentials = "<Credentials><AccessKeyId>" + keyId
            + "</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
            + "<SessionToken>session</SessionToken><Expiration>" + expiration + "</Expiration></Credentials>"
            + "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deploy/x</Arn></AssumedRoleUser>";
        // One response for both actions: the SDK reads the first element, whatever its name.
        return sts(200, "<Response><Result>" + credentials + "</Result></Response>");
    }

    private static void respond(HttpExchange exchange, List<String> requests,
        Deque<String> responses) throws IOException {
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        requests.add(authorization + " " + new String(exchange.getRequestBody().readAllBytes(),
            StandardCharsets.UTF_8));
        String next = responses.size() > 1 ? responses.poll() : responses.peek();
        byte[] body = next.substring(4).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(Integer.parseInt(next.substring(0, 3)), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

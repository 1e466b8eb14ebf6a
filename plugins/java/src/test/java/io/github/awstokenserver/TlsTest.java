package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.ProtocolFamily;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

/** One certificate is the server's, the client's, and their authority. */
@Timeout(60)
class TlsTest {
    private static final long TIME = TimeUnit.SECONDS.toNanos(20);

    @TempDir
    static Path folder;

    private static SSLContext context;
    private static Relay server;

    private final BlockingQueue<String> connects = new LinkedBlockingQueue<>();

    @BeforeAll
    static void serve() throws Exception {
        Path store = folder.resolve("store.p12");
        String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        Process process = new ProcessBuilder(
            keytool, "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=test", "-validity", "2", "-ext",
            "SAN=dns:localhost,dns:token.example.com,ip:127.0.0.1", "-ext", "BC=ca:true", "-keystore", store.toString(),
            "-storetype", "PKCS12", "-storepass", "password").inheritIO().start();
        assertEquals(0, process.waitFor());

        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "password".toCharArray());
        }
        writePem("CERTIFICATE", keys.getCertificate("server").getEncoded());
        writePem("PRIVATE KEY", keys.getKey("server", "password".toCharArray()).getEncoded());

        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null);
        trusted.setCertificateEntry("client", keys.getCertificate("server"));
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, "password".toCharArray());
        TrustManagerFactory clients = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        clients.init(trusted);
        context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), clients.getTrustManagers(), null);
        server = new Relay(listen(false), TlsTest::respond);
    }

    private static void writePem(String label, byte[] content) throws IOException {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Files.writeString(folder.resolve(label), "x\n-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label
            + "-----\n");
    }

    private static ServerSocket listen(boolean needsClient) throws IOException {
        SSLServerSocket socket = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(
            0, 50, InetAddress.getLoopbackAddress());
        socket.setNeedClientAuth(needsClient);
        return socket;
    }

    private static void respond(Socket connection) throws IOException {
        Relay.readHead(connection.getInputStream());
        connection.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken".getBytes(
            StandardCharsets.UTF_8));
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    @AfterEach
    void clear() {
        List.of("https.proxyHost", "https.proxyPort", "https.proxyUser", "https.proxyPassword",
            "http.nonProxyHosts").forEach(
            System::clearProperty);
    }

    private static String get(String url, String members) throws IOException {
        String json = "{\"version\": 1, \"http\": {\"url\": \"" + url + "\"" + members + "}}";
        Document document = Document.read(json.getBytes(StandardCharsets.UTF_8));
        Secrets secrets = new Secrets();
        TokenRequest request = new TokenRequest(document.http(), new Expansion("", secrets), secrets);
        return new String(HttpExchange.send(request, TIME).body(), StandardCharsets.UTF_8);
    }

    private static String trusting() {
        return ", \"ca_file\": \"" + folder.resolve("CERTIFICATE") + "\"";
    }

    private static String showing(String cert, String key) {
        return ", \"cert_file\": \"" + folder.resolve(cert) + "\", \"key_file\": \"" + folder.resolve(key) + "\"";
    }

    @Test
    void trustsTheAuthorityOfTheDocument() throws IOException {
        assertEquals("token", get("https://127.0.0.1:" + server.port(), trusting()));
        assertEquals("token", get("https://localhost:" + server.port(), trusting()));
    }

    @Test
    void trustsNoOther() {
        IOException e = assertThrows(IOException.class, () -> get("https://127.0.0.1:" + server.port(), ""));
        assertTrue(Tls.isUntrusted(e));
    }

    @Test
    void verifiesTheHost() throws IOException {
        try (Relay proxy = proxy("200 OK")) {
            IOException e = assertThrows(IOException.class, () -> get("https://other.example.com", trusting()));
            assertTrue(Tls.isUntrusted(e));
        }
    }

    @Test
    void showsItsCertificate() throws IOException {
        try (Relay strict = new Relay(listen(true), TlsTest::respond)) {
            String url = "https://127.0.0.1:" + strict.port();
            assertEquals("token", get(url, trusting() + showing("CERTIFICATE", "PRIVATE KEY")));
            IOException e = assertThrows(IOException.class, () -> get(url, trusting()));
            assertTrue(!Tls.isUntrusted(e));
        }
    }

    @Test
    void saysWhichFileIsWrong() {
        TokenServerException key = assertThrows(
            TokenServerException.class, () -> get("https://127.0.0.1:1", showing("CERTIFICATE", "CERTIFICATE")));
        assertTrue(key.getMessage().startsWith("http.key_file: there is no key"), key.getMessage());
        TokenServerException cert = assertThrows(
            TokenServerException.class, () -> get("https://127.0.0.1:1", showing("PRIVATE KEY", "PRIVATE KEY")));
        assertTrue(cert.getMessage().startsWith("http.cert_file: there is no certificate"), cert.getMessage());
        TokenServerException missing = assertThrows(
            TokenServerException.class, () -> get("https://127.0.0.1:1", ", \"ca_file\": \"/nowhere\""));
        assertEquals(ErrorClass.NOT_CONFIGURED, missing.errorClass());
    }

    /** Sets a proxy that connects to the server, whatever it is asked for. */
    private Relay proxy(String status) throws IOException {
        Relay proxy = new Relay(client -> {
            connects.add(Relay.readHead(client.getInputStream()));
            client.getOutputStream().write(("HTTP/1.1 " + status + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            try (Socket target = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                Relay.join(client.getInputStream(), client.getOutputStream(), target.getInputStream(),
                    target.getOutputStream());
            }
        });
        System.setProperty("https.proxyHost", "127.0.0.1");
        System.setProperty("https.proxyPort", String.valueOf(proxy.port()));
        System.setProperty("https.proxyUser", "user");
        System.setProperty("https.proxyPassword", "word");
        return proxy;
    }

    @Test
    void usesTheProxyOfTheSdk() throws Exception {
        try (Relay proxy = proxy("200 OK")) {
            assertEquals("token", get("https://token.example.com/t", trusting()));
            assertEquals("CONNECT token.example.com:443 HTTP/1.1\r\nHost: token.example.com:443\r\n"
                             + "Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n\r\n", connects.take());
        }
        try (Relay proxy = proxy("407 Who are you")) {
            assertThrows(ProtocolException.class, () -> get("https://token.example.com/t", trusting()));
        }
    }

    @Test
    void usesNoProxyForLocalHosts() throws Exception {
        try (Relay proxy = proxy("200 OK")) {
            assertEquals("token", get("https://localhost:" + server.port(), trusting()));
            assertTrue(connects.isEmpty());
        }
    }

    @Test
    void usesNoProxyWhereTheSdkWouldNot() throws Exception {
        try (Relay proxy = proxy("200 OK")) {
            System.setProperty("http.nonProxyHosts", "*.invalid");
            assertThrows(IOException.class, () -> get("https://token.invalid", trusting()));
            assertTrue(connects.isEmpty());
        }
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_16)
    void speaksTlsOverAUnixSocket() throws Exception {
        Path path = folder.resolve("s");
        try (ServerSocketChannel unix = (ServerSocketChannel) ServerSocketChannel.class.getMethod("open",
            ProtocolFamily.class)
            .invoke(null, StandardProtocolFamily.valueOf("UNIX"))) {
            unix.bind((SocketAddress) Class.forName("java.net.UnixDomainSocketAddress").getMethod("of", Path.class)
                                                   .invoke(null, path));
            Relay.run(() -> {
                try (SocketChannel client = unix.accept(); Socket target = new Socket(InetAddress.getLoopbackAddress(),
                    server.port())) {
                    Relay.join(input(client), output(client), target.getInputStream(), target.getOutputStream());
                }
                return null;
            });
            assertEquals("token", get("https://token.example.com/t",
                trusting() + ", \"unix_socket\": \"" + path + "\""));
        }
    }

    /** Unlike the streams of Channels, these can be used by two threads at once before Java 19. */
    private static InputStream input(SocketChannel channel) {
        return new InputStream() {
            @Override
            public int read() {
                throw new UnsupportedOperationException();
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                return channel.read(ByteBuffer.wrap(bytes, offset, length));
            }
        };
    }

    private static OutputStream output(SocketChannel channel) {
        return new OutputStream() {
            @Override
            public void write(int b) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                for (ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length); buffer.hasRemaining();) {
                    channel.write(buffer);
                }
            }
        };
    }
}

package io.github.awstokenserver;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.Callable;

/** A server on loopback that does with each connection, in a thread of its own, what a test says. */
final class Relay implements AutoCloseable {
    interface Handler {
        void handle(Socket connection) throws Exception;
    }

    private final ServerSocket server;

    Relay(Handler handler) throws IOException {
        this(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), handler);
    }

    Relay(ServerSocket server, Handler handler) {
        this.server = server;
        run(() -> {
            while (true) {
                Socket connection = server.accept();
                run(() -> {
                    try (connection) {
                        handler.handle(connection);
                    }
                    return null;
                });
            }
        });
    }

    int port() {
        return server.getLocalPort();
    }

    /** Reads the lines of a request's head. */
    static String readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int b = in.read();
            if (b < 0) {
                break;
            }
            head.append((char) b);
        }
        return head.toString();
    }

    /** Copies in both directions until one ends. */
    static void join(InputStream in1, OutputStream out1, InputStream in2, OutputStream out2) throws IOException {
        run(() -> copy(in1, out2));
        copy(in2, out1);
    }

    private static Void copy(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[8192];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
            out.flush();
        }
        return null;
    }

    static void run(Callable<?> task) {
        Thread thread = new Thread(() -> {
            try {
                task.call();
            } catch (Exception e) {
                // The test ended the connection, or sees what came of it.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}

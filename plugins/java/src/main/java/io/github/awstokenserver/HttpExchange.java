package io.github.awstokenserver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.utils.ProxyConfigProvider;

/**
 * One request and its response, over a connection of its own. None of the HTTP clients of the SDK and of Java connects
 * to unix sockets, sends header values in UTF-8, bounds the headers of a response, and ends after a time from looking
 * up the host's name to the end of the body. So this is HTTP/1.1 over a socket: one request, no redirects, no cookies,
 * no retries.
 */
final class HttpExchange {
    private final TokenRequest request;

    private Socket connection;
    private HttpResponse refusal;
    private boolean ended;

    private HttpExchange(TokenRequest request) {
        this.request = request;
    }

    /** Sends a request, and returns the response. It ends after so many nanoseconds. */
    static HttpResponse send(TokenRequest request, long nanoseconds) throws IOException {
        HttpExchange exchange = new HttpExchange(request);
        FutureTask<HttpResponse> task = new FutureTask<>(exchange::run);
        Thread thread = new Thread(task, "token-server-request");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(nanoseconds, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return exchange.afterTimeout();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException) {
                throw (IOException) e.getCause();
            }
            if (e.getCause() instanceof RuntimeException) {
                throw (RuntimeException) e.getCause();
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AbortedException.create("the thread that waits for a token was interrupted", e);
        } finally {
            exchange.end();
        }
    }

    /** A status that is no success decides, whatever becomes of the body. */
    private synchronized HttpResponse afterTimeout() throws IOException {
        if (refusal == null) {
            throw new SocketTimeoutException("there was no complete response in time");
        }
        return refusal;
    }

    private HttpResponse run() throws IOException {
        Socket socket = connect();
        if (request.tls() != null) {
            socket = request.tls().secure(socket, request.url().host(), request.url().port());
        }
        socket.getOutputStream().write(request.bytes());
        socket.getOutputStream().flush();
        HttpResponse response = new HttpResponse(new BufferedInputStream(socket.getInputStream()));
        if (response.isSuccess()) {
            response.readBody();
            return response;
        }
        synchronized (this) {
            refusal = response;
        }
        try {
            response.readBody();
        } catch (IOException e) {
            // What was read of it is enough for an error.
        }
        return response;
    }

    private Socket connect() throws IOException {
        TokenUrl url = request.url();
        if (request.unixSocket() != null) {
            return open(UnixSocket.connect(request.unixSocket()));
        }
        if (!request.usesProxy()) {
            InetAddress[] addresses = InetAddress.getAllByName(url.host());
            if (request.tls() == null) {
                LocalHost.check(url.host(), addresses);
            }
            return connect(addresses, url.port(), LocalHost.isLocal(url.host()));
        }
        ProxyConfigProvider proxy = ProxyConfigProvider.fromSystemEnvironmentSettings(true, true, "https");
        boolean isPastProxy = proxy.host() == null || proxy.host().isEmpty()
            || proxy.nonProxyHosts().stream().anyMatch(pattern -> url.host().toLowerCase().matches(pattern));
        if (isPastProxy) {
            return connect(InetAddress.getAllByName(url.host()), url.port(), false);
        }
        int port = proxy.port() > 0 ? proxy.port() : 80;
        Socket socket = connect(InetAddress.getAllByName(proxy.host()), port, false);
        tunnel(socket, proxy);
        return socket;
    }

    private Socket connect(InetAddress[] addresses, int port, boolean directly) throws IOException {
        final int milliseconds = 5000 / addresses.length;
        IOException failure = null;
        for (InetAddress address : addresses) {
            Socket socket = open(directly ? new Socket(Proxy.NO_PROXY) : new Socket());
            try {
                socket.connect(new InetSocketAddress(address, port), milliseconds);
                return socket;
            } catch (IOException e) {
                socket.close();
                failure = e;
            }
        }
        throw failure;
    }

    private void tunnel(Socket socket, ProxyConfigProvider proxy) throws IOException {
        String target = request.url().host() + ":" + request.url().port();
        String authorization = proxy.userName().map(user -> {
            String credentials = user + ":" + proxy.password().orElse("");
            return "Proxy-Authorization: Basic "
                + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)) + "\r\n";
        }).orElse("");
        String connect = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + authorization + "\r\n";
        socket.getOutputStream().write(connect.getBytes(StandardCharsets.UTF_8));
        HttpResponse response = new HttpResponse(socket.getInputStream());
        if (!response.isSuccess()) {
            throw new ProtocolException("the proxy responded with " + response.status());
        }
    }

    /** Remembers a connection that is to be closed in the end. */
    private synchronized Socket open(Socket socket) throws IOException {
        if (ended) {
            socket.close();
            throw new SocketTimeoutException("the time is over");
        }
        connection = socket;
        return socket;
    }

    private synchronized void end() throws IOException {
        ended = true;
        if (connection != null) {
            connection.close();
        }
    }
}

package io.github.awstokenserver;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;

/** A connection to a unix socket, as a {@link Socket} that TLS takes too. Java has them from version 16 on. */
final class UnixSocket extends Socket {
    private final SocketChannel channel;

    private UnixSocket(SocketChannel channel) {
        this.channel = channel;
    }

    static UnixSocket connect(String path) throws IOException {
        SocketAddress address;
        try {
            address = (SocketAddress) Class.forName("java.net.UnixDomainSocketAddress").getMethod("of", String.class)
                                           .invoke(null, path);
        } catch (ClassNotFoundException e) {
            throw TokenServerException.invalid("http.unix_socket: Java has no unix sockets before version 16");
        } catch (ReflectiveOperationException e) {
            Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
            throw TokenServerException.invalid("http.unix_socket: is not a path").causedBy(cause);
        }
        return new UnixSocket(SocketChannel.open(address));
    }

    @Override
    public InputStream getInputStream() {
        return Channels.newInputStream(channel);
    }

    @Override
    public OutputStream getOutputStream() {
        return Channels.newOutputStream(channel);
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public boolean isClosed() {
        return !channel.isOpen();
    }

    /** An address that TLS may ask for, and makes no use of. */
    @Override
    public InetAddress getInetAddress() {
        return InetAddress.getLoopbackAddress();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

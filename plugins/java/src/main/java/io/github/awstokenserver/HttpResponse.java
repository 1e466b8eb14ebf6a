package io.github.awstokenserver;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A response of HTTP/1.1, read from a connection that carries nothing after it. */
final class HttpResponse {
    /** How much of a body is read, but for a byte more to notice what is longer. */
    static final int MOST_OF_A_BODY = 64 * 1024;

    private static final int MOST_OF_A_HEAD = 64 * 1024;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([0-9]{3})( .*)?");
    private static final Pattern DECIMAL = Pattern.compile("[0-9]{1,18}");
    private static final Pattern CHUNK = Pattern.compile("([0-9A-Fa-f]{1,15})[ \t]*(;.*)?");

    private final InputStream in;
    private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final int status;
    private int headLeft = MOST_OF_A_HEAD;

    /** Reads the status and the headers, past interim responses. */
    HttpResponse(InputStream in) throws IOException {
        this.in = in;
        int read;
        do {
            read = readHead();
        } while (read / 100 == 1 && read != 101);
        status = read;
    }

    private int readHead() throws IOException {
        Matcher line = STATUS.matcher(readLine());
        if (!line.matches()) {
            throw new ProtocolException("the response is not HTTP/1.1");
        }
        headers.clear();
        for (String field = readLine(); !field.isEmpty(); field = readLine()) {
            String[] parts = field.split(":", 2);
            if (parts.length < 2) {
                throw new ProtocolException("a header of the response has no colon");
            }
            headers.putIfAbsent(parts[0], Blanks.trim(parts[1]));
        }
        return Integer.parseInt(line.group(1));
    }

    private String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = readByte(); b != '\n'; b = readByte()) {
            if (headLeft-- == 0) {
                throw new ProtocolException("the headers of the response are longer than 64 KiB");
            }
            line.write(b);
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    private int readByte() throws IOException {
        int b = in.read();
        if (b < 0) {
            throw new EOFException("the connection ended within the response");
        }
        return b;
    }

    /** Reads the body, up to a byte more than {@link #MOST_OF_A_BODY}. Where that fails, what was read is kept. */
    void readBody() throws IOException {
        String length = headers.get("Content-Length");
        if (status == 101 || status == 204 || status == 304) {
            return;
        }
        if (headers.containsKey("Transfer-Encoding")) {
            readChunks();
        } else if (length == null) {
            read(Long.MAX_VALUE, false);
        } else if (DECIMAL.matcher(length).matches()) {
            read(Long.parseLong(length), true);
        } else {
            throw new ProtocolException("the length of the response is not a number");
        }
    }

    private void readChunks() throws IOException {
        while (body.size() <= MOST_OF_A_BODY) {
            headLeft = MOST_OF_A_HEAD;
            Matcher size = CHUNK.matcher(readLine());
            if (!size.matches()) {
                throw new ProtocolException("the length of a chunk is not a number");
            }
            long length = Long.parseLong(size.group(1), 16);
            if (length == 0) {
                return;
            }
            read(length, true);
            if (body.size() <= MOST_OF_A_BODY && !readLine().isEmpty()) {
                throw new ProtocolException("a chunk is longer than it says");
            }
        }
    }

    private void read(long length, boolean whole) throws IOException {
        byte[] buffer = new byte[8192];
        long left = Math.min(length, MOST_OF_A_BODY + 1L - body.size());
        while (left > 0) {
            int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0 && whole) {
                throw new EOFException("the connection ended within the response");
            }
            if (n < 0) {
                return;
            }
            body.write(buffer, 0, n);
            left -= n;
        }
    }

    int status() {
        return status;
    }

    boolean isSuccess() {
        return status / 100 == 2;
    }

    /** The value of a header, or null. */
    String header(String name) {
        return headers.get(name);
    }

    byte[] body() {
        return body.toByteArray();
    }
}

package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenUrlTest {
    private static TokenUrl parse(String text) {
        return TokenUrl.parse(text, "http.url", false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.255.0.9:81", "localhost", "LOCALHOST:80", "169.254.169.254",
        "169.254.128.0",
        "169.254.131.255", "metadata.google.internal", "[::1]", "[::1]:80", "[fd00:ec2::254]", "[fd20:ce::254]"})
    void allowsPlainHttpTo(String authority) {
        assertFalse(parse("http://" + authority + "/p").isSecure());
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.1", "127.0.0.1.", "127.0.0.01", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]", "[FD00:EC2::254]", "169.254.132.0", "169.254.127.255", "10.0.0.1", "example.com",
        "localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "[::]", "0.0.0.0"})
    void refusesPlainHttpTo(String authority) {
        TokenServerException e = assertThrows(TokenServerException.class, () -> parse("http://" + authority + "/p"));
        assertEquals(ErrorClass.CONFIG_INVALID, e.errorClass());
        assertFalse(TokenUrl.parse("http://" + authority + "/p", "http.url", true).isSecure());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "https:///p", "ftp://h", "https://u:p@h", "https://u@h", "https://h#f",
        "https://h/a b",
        "https://h/\n", "https://h/%zz", "https://h\\x", "https://h:99999", "https://h:x", "//h/p"})
    void refuses(String url) {
        String message = assertThrows(TokenServerException.class, () -> parse(url)).getMessage();
        assertTrue(message.startsWith("http.url: "), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "", value = {
        "https://h                       | /?a=1%20%2B&b=",
        "https://h/p?                    | /p?a=1%20%2B&b=",
        "https://h/p?x=%2f+%41&&y        | /p?x=%2f+%41&&y&a=1%20%2B&b=",
        "https://h/p?b=1&c=2&%61=3&a&B=4 | /p?c=2&B=4&a=1%20%2B&b="})
    void putsParametersInThePlaceOfThoseOfTheirNames(String url, String target) {
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("a", "1 +");
        parameters.put("b", "");
        assertEquals(target, parse(url).withParameters(parameters).target());
    }

    @Test
    void leavesAQueryAsItIsWritten() {
        assertEquals("/p?b=%7e&a=+", parse("https://h/p?b=%7e&a=+").withParameters(Map.of()).target());
    }

    @Test
    void refusesLocalNamesThatAreSomewhereElse() throws UnknownHostException {
        InetAddress elsewhere = InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1});
        InetAddress loopback = InetAddress.getLoopbackAddress();
        InetAddress metadata = InetAddress.getByAddress(new byte[] {(byte) 169, (byte) 254, (byte) 169, (byte) 254});
        LocalHost.check("localhost", new InetAddress[] {loopback});
        LocalHost.check("metadata.google.internal", new InetAddress[] {metadata});
        InetAddress[] both = {loopback, elsewhere};
        assertThrows(TokenServerException.class, () -> LocalHost.check("Localhost", both));
        InetAddress[] one = {loopback};
        assertThrows(TokenServerException.class, () -> LocalHost.check("metadata.google.internal", one));
    }
}

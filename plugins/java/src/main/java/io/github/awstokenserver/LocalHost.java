package io.github.awstokenserver;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Hosts that plain http is allowed to, and no proxy is used for: what is sent to them does not leave the machine. */
final class LocalHost {
    private static final Pattern ADDRESS = Pattern.compile(
        "(127(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}"
            + "|169\\.254\\.169\\.254|169\\.254\\.1(28|29|30|31)\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
            + "|\\[::1\\]|\\[fd00:ec2::254\\]|\\[fd20:ce::254\\])");
    private static final String LOCALHOST = "localhost";
    private static final String GOOGLE = "metadata.google.internal";
    private static final List<String> GOOGLE_ADDRESSES = List.of("169.254.169.254", "fd20:ce::254");

    private LocalHost() {
    }

    /** Reports whether a host is local. An address in another than its usual form is not. */
    static boolean isLocal(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return ADDRESS.matcher(host).matches() || name.equals(LOCALHOST) || name.equals(GOOGLE);
    }

    /** Refuses addresses of a local host's name that are not local: DNS must not send a request elsewhere. */
    static void check(String host, InetAddress[] addresses) {
        String name = host.toLowerCase(Locale.ROOT);
        if (name.equals(LOCALHOST) && !Arrays.stream(addresses).allMatch(InetAddress::isLoopbackAddress)
            || name.equals(GOOGLE) && !Arrays.stream(addresses).allMatch(LocalHost::isGoogle)) {
            throw TokenServerException.invalid("the name " + name + " resolves to an address that is not local: "
                + "plain http is not sent there; use an https URL");
        }
    }

    private static boolean isGoogle(InetAddress address) {
        return GOOGLE_ADDRESSES.stream().anyMatch(text -> {
            try {
                return InetAddress.getByName(text).equals(address);
            } catch (UnknownHostException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}

package io.github.awstokenserver;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import software.amazon.awssdk.utils.Logger;

/** Asks a token server, as often as it takes, and finds the token in its response. */
final class TokenFetch {
    private static final Logger LOG = Logger.loggerFor(TokenFetch.class);
    private static final Duration ATTEMPT = Duration.ofSeconds(5);
    private static final Duration ALL_ATTEMPTS = Duration.ofMinutes(1);
    private static final Pattern DIGITS = Pattern.compile("[0-9]+");
    private static final Pattern INDEX = Pattern.compile("0|[1-9][0-9]{0,8}");

    private final TokenRequest request;
    private final HttpSource source;
    private final String host;

    TokenFetch(TokenRequest request, HttpSource source) {
        this.request = request;
        this.source = source;
        this.host = request.url().host();
    }

    /** A failure that the same request may not meet again. */
    private static final class Passing extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient Duration retryAfter;

        Passing(String problem, Duration retryAfter, Throwable cause) {
            super(problem, cause);
            this.retryAfter = retryAfter;
        }
    }

    /**
     * @param deadline a {@link System#nanoTime()}
     */
    String fetch(long deadline) {
        long end = Math.min(deadline, System.nanoTime() + ALL_ATTEMPTS.toNanos());
        Retries retries = new Retries(end);
        for (int attempt = 1;; attempt++) {
            try {
                return attempt(Math.min(ATTEMPT.toNanos(), end - System.nanoTime()));
            } catch (Passing e) {
                String problem = host + " " + e.getMessage();
                if (!retries.waitForNext(e.retryAfter)) {
                    String times = attempt == 1 ? "" : ", after " + attempt + " attempts";
                    throw TokenServerException.of(ErrorClass.TOKEN_UNAVAILABLE, problem + times).causedBy(e.getCause());
                }
                LOG.debug(() -> "token server: " + problem + "; it is asked again");
            }
        }
    }

    private String attempt(long nanoseconds) throws Passing {
        HttpResponse response;
        try {
            response = HttpExchange.send(request, nanoseconds);
        } catch (IOException e) {
            if (Tls.isUntrusted(e)) {
                throw TokenServerException.of(
                    ErrorClass.TOKEN_UNAVAILABLE, "the certificate of " + host + " is not trusted").withHint(
                    "name its authority in the document's ca_file, or in AWS_CA_BUNDLE, which replaces the authorities "
                        + "of Java and is not added to them");
            }
            // Its message may repeat a line of the response.
            throw new Passing("gave no complete response (" + e.getClass().getSimpleName() + ")", Duration.ZERO, null);
        }
        if (!response.isSuccess()) {
            throw refusal(response);
        }
        if (response.body().length > HttpResponse.MOST_OF_A_BODY) {
            throw TokenServerException.malformed(host + " responded with more than 64 KiB");
        }
        try {
            return find(response.body());
        } catch (IOException e) {
            throw TokenServerException.malformed(host + " responded with " + e.getMessage());
        }
    }

    /** Throws what a status that is no success means. */
    private TokenServerException refusal(HttpResponse response) throws Passing {
        int status = response.status();
        String problem = "responded with " + status + request.secrets().quote(response.body());
        String text = new String(response.body(), StandardCharsets.UTF_8);
        boolean isPending = status == 403 && text.contains("Can't issue ID_TOKEN") && text.contains("'Pending' state");
        if (isPending || status == 408 || status == 429 || status / 100 == 5 || source.retry().contains(status)) {
            throw new Passing(problem, retryAfter(response.header("Retry-After")), null);
        }
        if (status >= 600) {
            return TokenServerException.of(ErrorClass.TOKEN_UNAVAILABLE, host + " " + problem);
        }
        String redirect = status / 100 == 3 ? ", a redirect, which is not followed" : "";
        return TokenServerException.of(ErrorClass.TOKEN_REFUSED, host + " " + problem + redirect);
    }

    /** Reads how long to wait: seconds, or until a date. */
    static Duration retryAfter(String value) {
        if (value == null) {
            return Duration.ZERO;
        }
        if (DIGITS.matcher(value).matches()) {
            return Duration.ofSeconds(new BigInteger(value).min(BigInteger.valueOf(3600)).longValue());
        }
        try {
            Instant date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            Duration wait = Duration.between(Instant.now(), date);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeException e) {
            return Duration.ZERO;
        }
    }

    /**
     * Finds the token in the body of a successful response.
     *
     * @throws IOException which says what the body is, and repeats nothing of it
     */
    private String find(byte[] body) throws IOException {
        String text;
        try {
            text = Json.decode(body);
        } catch (CharacterCodingException e) {
            throw new IOException("what is not UTF-8");
        }
        text = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (Blanks.trim(text).isEmpty()) {
            throw new IOException("an empty body");
        }
        if (source.token().isEmpty()) {
            return text;
        }
        Json json;
        try {
            json = Json.parse(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IOException("what is not JSON");
        }
        Object value = json.value();
        List<String> path = new ArrayList<>();
        for (String escaped : source.token().substring(1).split("/", -1)) {
            String name = escaped.replace("~1", "/").replace("~0", "~");
            path.add(name);
            if (json.repeated().contains(path)) {
                throw new IOException("JSON that has " + Json.quote(source.token()) + " twice");
            }
            value = member(value, name);
        }
        if (!(value instanceof String)) {
            throw new IOException("JSON without a string at " + Json.quote(source.token()));
        }
        return (String) value;
    }

    private static Object member(Object value, String name) {
        if (value instanceof Map) {
            return ((Map<?, ?>) value).get(name);
        }
        if (value instanceof List && INDEX.matcher(name).matches()) {
            List<?> elements = (List<?>) value;
            int index = Integer.parseInt(name);
            return index < elements.size() ? elements.get(index) : null;
        }
        return null;
    }
}

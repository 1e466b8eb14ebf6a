package io.github.awstokenserver;

/** What kind of failure a {@link TokenServerException} is. Each has another fix. */
public enum ErrorClass {
    /** A setting can never work as it is written. */
    CONFIG_INVALID("config-invalid"),

    /** A variable or a file that the token server needs is missing or empty. */
    NOT_CONFIGURED("not-configured"),

    /** The token server refused: 4xx, or a redirect. */
    TOKEN_REFUSED("token-refused"),

    /** There was no usable response from the token server, after retries: network, time-out, 408, 429, 5xx. */
    TOKEN_UNAVAILABLE("token-unavailable"),

    /** The token server responded with something that is not a token. */
    TOKEN_MALFORMED("token-malformed"),

    /** STS refused the role for this token. */
    ROLE_DENIED("role-denied"),

    /** There was no usable response from STS, after the SDK's retries. */
    STS_UNAVAILABLE("sts-unavailable");

    private final String id;

    ErrorClass(String id) {
        this.id = id;
    }

    /**
     * Returns the class as the specification writes it.
     *
     * @return for example {@code token-refused}
     */
    public String id() {
        return id;
    }
}

package io.github.awstokenserver;

import software.amazon.awssdk.core.exception.SdkClientException;

/**
 * A failure on the way from a token server's setting to a role. Its message names the setting and says how to fix it,
 * and holds no secret. Its cause is the SDK's exception, unless that repeats the token.
 */
public final class TokenServerException extends SdkClientException {
    private static final String TROUBLESHOOTING =
        "https://github.com/awstokenserver/config/blob/main/docs/troubleshooting.md#";
    private static final long serialVersionUID = 1L;

    /** Another fix for each. */
    private final ErrorClass errorClass;
    /** What failed, without the hint. */
    private final String problem;
    /** How to resolve it, or empty. */
    private final String hint;
    /** Whether the token had expired when STS saw it. */
    private final boolean tokenExpired;

    private TokenServerException(ErrorClass errorClass, String problem, String hint, boolean tokenExpired,
                                 Throwable cause) {
        super(builder().message(message(errorClass, problem, hint)).cause(cause));
        this.errorClass = errorClass;
        this.problem = problem;
        this.hint = hint;
        this.tokenExpired = tokenExpired;
    }

    private static String message(ErrorClass errorClass, String problem, String hint) {
        return problem + (hint.isEmpty() ? "" : "; " + hint) + " (" + TROUBLESHOOTING + errorClass.id() + ")";
    }

    static TokenServerException of(ErrorClass errorClass, String problem) {
        return new TokenServerException(errorClass, problem, "", false, null);
    }

    static TokenServerException invalid(String problem) {
        return of(ErrorClass.CONFIG_INVALID, problem);
    }

    static TokenServerException notConfigured(String problem) {
        return of(ErrorClass.NOT_CONFIGURED, problem);
    }

    static TokenServerException malformed(String problem) {
        return of(ErrorClass.TOKEN_MALFORMED, problem);
    }

    /** A copy that says how to resolve the problem. */
    TokenServerException withHint(String text) {
        return new TokenServerException(errorClass, problem, text, tokenExpired, getCause());
    }

    /** A copy that names what failed, for example a setting. */
    TokenServerException in(String place) {
        return new TokenServerException(errorClass, place + ": " + problem, hint, tokenExpired, getCause());
    }

    /** A copy with the exception that led to it. */
    TokenServerException causedBy(Throwable cause) {
        return new TokenServerException(errorClass, problem, hint, tokenExpired, cause);
    }

    /** A copy for a token that had expired when STS saw it. */
    TokenServerException withTokenExpired() {
        return new TokenServerException(errorClass, problem, hint, true, getCause());
    }

    /**
     * Returns what kind of failure this is.
     *
     * @return the class, never null
     */
    public ErrorClass errorClass() {
        return errorClass;
    }

    /** Whether credentials that have not expired stay in use after this failure of a renewal. */
    boolean leavesCredentialsInUse() {
        return errorClass == ErrorClass.TOKEN_UNAVAILABLE || errorClass == ErrorClass.STS_UNAVAILABLE || tokenExpired;
    }
}

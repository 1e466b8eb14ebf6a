package io.github.awstokenserver;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/** What STS's refusals mean. */
final class StsFailure {
    private static final Set<String> EXPIRED = Set.of("ExpiredToken", "ExpiredTokenException");
    private static final Set<String> INVALID = Set.of("InvalidIdentityToken", "InvalidIdentityTokenException");

    /** What is wrong with the settings, by code, and what to do. */
    private static final Map<String, String> WRONG_SETTINGS = Map.of(
        "ValidationError", "correct the role's ARN, the session name, or the duration",
        "PackedPolicyTooLarge", "pass fewer or shorter session tags and policies",
        "PackedPolicyTooLargeException", "pass fewer or shorter session tags and policies",
        "MalformedPolicyDocument", "correct the session policy",
        "MalformedPolicyDocumentException", "correct the session policy",
        "RegionDisabledException", "activate STS in this region for the role's account, or set another region");

    private StsFailure() {
    }

    /** The code of STS's error, or "" where the response is not STS's. */
    static String code(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null || details.errorCode() == null ? "" : details.errorCode();
    }

    static boolean isTokenExpired(RuntimeException e) {
        return e instanceof AwsServiceException && EXPIRED.contains(code((AwsServiceException) e));
    }

    static boolean isTokenInvalid(RuntimeException e) {
        return e instanceof AwsServiceException && INVALID.contains(code((AwsServiceException) e));
    }

    /**
     * Says of a failure what STS was asked.
     *
     * @param who   what the role was asked for with
     * @param hint  what to do where the role is denied
     * @param token secrets that STS's words may repeat
     */
    static TokenServerException of(RuntimeException e, String roleArn, String who, String hint, Secrets token) {
        String code = e instanceof AwsServiceException ? code((AwsServiceException) e) : "";
        boolean isClean = !token.areIn(textOf(e));
        String said = isClean ? wordsOf(e, code) : token.areIn(code) ? "the response repeats the token" : code;
        Throwable cause = isClean ? e : null;
        if (WRONG_SETTINGS.containsKey(code)) {
            return TokenServerException.invalid("STS refused the request for role " + roleArn + ": " + said).withHint(
                WRONG_SETTINGS.get(code)).causedBy(cause);
        }
        if (isDenial(e, code)) {
            TokenServerException denied = TokenServerException.of(
                ErrorClass.ROLE_DENIED, "STS denied role " + roleArn + " to " + who + ": " + said);
            denied = denied.withHint(hint).causedBy(cause);
            return EXPIRED.contains(code) ? denied.withTokenExpired() : denied;
        }
        String problem = "STS gave no usable response for role " + roleArn + ": " + said;
        return TokenServerException.of(ErrorClass.STS_UNAVAILABLE, problem).causedBy(cause);
    }

    private static boolean isDenial(RuntimeException e, String code) {
        if (code.isEmpty()) {
            return false;
        }
        AwsServiceException answer = (AwsServiceException) e;
        return answer.statusCode() / 100 == 4 && answer.statusCode() != 429 && !answer.isThrottlingException()
            && !StsClients.isProviderOutOfReach(e);
    }

    private static String wordsOf(RuntimeException e, String code) {
        if (code.isEmpty()) {
            return String.valueOf(e.getMessage());
        }
        return code + ": " + ((AwsServiceException) e).awsErrorDetails().errorMessage();
    }

    /** All texts of a response that an exception has. */
    private static String textOf(RuntimeException e) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            text.append(cause.getMessage()).append('\n');
        }
        if (e instanceof AwsServiceException && ((AwsServiceException) e).awsErrorDetails() != null) {
            AwsErrorDetails details = ((AwsServiceException) e).awsErrorDetails();
            text.append(details.rawResponse() == null ? "" : details.rawResponse().asString(StandardCharsets.UTF_8));
        }
        return text.toString();
    }
}

package io.github.awstokenserver.conformance;

import io.github.awstokenserver.TokenServerCredentialsProvider;
import io.github.awstokenserver.TokenServerException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.protocols.jsoncore.JsonWriter;

/**
 * The adapter of the AWS SDK for Java: as it is, or with the argument {@code plugin} with the provider. A profile is
 * named with the {@code profileName} of the builder. See docs/conformance.md.
 */
public final class Adapter {
    private static final List<String> AS_IT_IS =
        List.of("refresh", "env-over-profile", "env-keys-over-profile", "unused-profile", "role-over-keys",
                "account-id", "global-endpoint-url", "no-merge");
    private static final List<String> PLUGIN =
        List.of("token-server", "document", "form", "servers", "tls", "ca-bundle", "unix-socket", "error-class",
                "profile-over-env", "keys-profile-over-env");

    private Adapter() {
    }

    /**
     * Runs the adapter.
     *
     * @param arguments {@code plugin}, {@code capabilities}, both, or none
     */
    public static void main(String[] arguments) throws InterruptedException {
        List<String> words = List.of(arguments);
        boolean hasPlugin = words.contains("plugin");
        if (words.contains("capabilities")) {
            List<String> capabilities = new ArrayList<>(AS_IT_IS);
            capabilities.addAll(hasPlugin ? PLUGIN : List.of());
            System.out.println("[\"" + String.join("\", \"", capabilities) + "\"]");
            return;
        }
        AwsCredentialsProvider provider = provider(hasPlugin, System.getenv("AWS_CONFORMANCE_PROFILE"));
        boolean failed = false;
        for (int n = 0; n < Integer.parseInt(System.getenv("AWS_CONFORMANCE_RETRIEVALS")); n++) {
            if (n > 0) {
                Thread.sleep((long) (1000 * Double.parseDouble(System.getenv("AWS_CONFORMANCE_WAIT_SECONDS"))));
            }
            JsonWriter line = JsonWriter.create().writeStartObject();
            line.writeFieldName("Version").writeValue(1);
            try {
                write(line, provider.resolveCredentials());
            } catch (RuntimeException e) {
                failed = true;
                write(line, e);
            }
            System.out.println(new String(line.writeEndObject().getBytes(), StandardCharsets.UTF_8));
        }
        System.exit(failed ? 1 : 0);
    }

    private static AwsCredentialsProvider provider(boolean hasPlugin, String profile) {
        return hasPlugin ? TokenServerCredentialsProvider.builder().profileName(profile).build()
                         : DefaultCredentialsProvider.builder().profileName(profile).build();
    }

    private static void write(JsonWriter line, AwsCredentials credentials) {
        line.writeFieldName("AccessKeyId").writeValue(credentials.accessKeyId());
        line.writeFieldName("SecretAccessKey").writeValue(credentials.secretAccessKey());
        if (credentials instanceof AwsSessionCredentials) {
            line.writeFieldName("SessionToken").writeValue(((AwsSessionCredentials) credentials).sessionToken());
        }
        credentials.accountId().ifPresent(account -> line.writeFieldName("AccountId").writeValue(account));
        credentials.expirationTime().ifPresent(time -> line.writeFieldName("Expiration").writeValue(time.toString()));
    }

    private static void write(JsonWriter line, RuntimeException e) {
        String errorClass = e instanceof TokenServerException ? ((TokenServerException) e).errorClass().id() : "";
        line.writeFieldName("Error").writeStartObject();
        line.writeFieldName("Class").writeValue(errorClass);
        line.writeFieldName("Message").writeValue(String.valueOf(e.getMessage()));
        line.writeEndObject();
    }
}

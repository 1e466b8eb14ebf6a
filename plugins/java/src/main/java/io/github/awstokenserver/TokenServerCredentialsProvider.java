package io.github.awstokenserver;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.auth.credentials.InstanceProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.SystemPropertyCredentialsProvider;
import software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.utils.IoUtils;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The SDK's default chain, with {@code web_identity_token_server} in profiles, {@code AWS_WEB_IDENTITY_TOKEN_SERVER} in
 * the environment, and the system property {@code aws.webIdentityTokenServer}. It looks for credentials in this order:
 *
 * <ol>
 *   <li>keys in system properties</li>
 *   <li>keys in the environment</li>
 *   <li>a token server, or a token file, in system properties and the environment, with the role of
 *       {@code AWS_ROLE_ARN}; where there is one, nothing comes after it</li>
 *   <li>the profile of {@code AWS_PROFILE}, or the default profile; its token server, or that of its
 *       {@code source_profile}, if it names one</li>
 *   <li>the container</li>
 *   <li>the instance</li>
 * </ol>
 *
 * <p>With a {@linkplain Builder#profileName(String) profile name}, credentials come from that profile alone, as with
 * {@link software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider}.
 *
 * <p>Credentials are kept, and renewed with a fresh token in the five minutes before they expire. A token server that
 * is used and fails is a {@link TokenServerException}: other credentials are never taken in its place. While it is
 * merely out of reach, credentials that have not expired stay in use.
 *
 * <p>{@link #close()} it when it is no longer used.
 */
public final class TokenServerCredentialsProvider implements AwsCredentialsProvider, SdkAutoCloseable {
    private final Builder options;

    private List<AwsCredentialsProvider> chain;
    private volatile AwsCredentialsProvider last;

    private TokenServerCredentialsProvider(Builder options) {
        this.options = options;
    }

    /**
     * Returns a provider with the SDK's defaults.
     *
     * @return a new provider
     */
    public static TokenServerCredentialsProvider create() {
        return builder().build();
    }

    /**
     * Returns a provider for a profile.
     *
     * @param profileName the profile in the SDK's default files
     * @return a new provider
     */
    public static TokenServerCredentialsProvider create(String profileName) {
        return builder().profileName(profileName).build();
    }

    /**
     * Returns a builder of a provider.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns credentials, which may take a token and an exchange with STS: three minutes at most.
     *
     * @throws TokenServerException if a token server is used, and fails
     */
    @Override
    public AwsCredentials resolveCredentials() {
        if (last != null) {
            return last.resolveCredentials();
        }
        List<AwsCredentialsProvider> providers = chain();
        if (providers.size() == 1) {
            return providers.get(0).resolveCredentials();
        }
        List<RuntimeException> failures = new ArrayList<>();
        for (AwsCredentialsProvider provider : providers) {
            try {
                AwsCredentials credentials = provider.resolveCredentials();
                last = provider;
                return credentials;
            } catch (TokenServerException e) {
                throw e;
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }
        String messages = failures.stream().map(Throwable::getMessage).collect(Collectors.joining("; "));
        throw SdkClientException.create("There are no credentials: " + messages, failures.get(failures.size() - 1));
    }

    private synchronized List<AwsCredentialsProvider> chain() {
        if (chain == null) {
            chain = options.profileName == null ? defaultChain() : List.of(profile());
        }
        return chain;
    }

    private List<AwsCredentialsProvider> defaultChain() {
        boolean inBackground = options.asyncCredentialUpdateEnabled;
        List<AwsCredentialsProvider> providers = new ArrayList<>();
        providers.add(SystemPropertyCredentialsProvider.create());
        providers.add(EnvironmentVariableCredentialsProvider.create());
        // Web identity that is used and fails is an error: nothing comes after it.
        if (Setting.isInEnvironment()) {
            providers.add(new EnvironmentProvider(inBackground));
        } else if (Setting.isFileInEnvironment()) {
            providers.add(
                WebIdentityTokenFileCredentialsProvider.builder().asyncCredentialUpdateEnabled(inBackground).build());
        } else {
            providers.add(profile());
            providers.add(ContainerCredentialsProvider.builder().asyncCredentialUpdateEnabled(inBackground).build());
            providers.add(
                InstanceProfileCredentialsProvider.builder().asyncCredentialUpdateEnabled(inBackground).build());
        }
        return providers;
    }

    private AwsCredentialsProvider profile() {
        return new ProfileProvider(options.profileName, options.profileFile, options.asyncCredentialUpdateEnabled);
    }

    @Override
    public synchronized void close() {
        if (chain != null) {
            chain.forEach(provider -> IoUtils.closeIfCloseableV2(provider, null));
        }
    }

    /** Builds a {@link TokenServerCredentialsProvider}. */
    public static final class Builder {
        private String profileName;
        private Supplier<ProfileFile> profileFile;
        private boolean asyncCredentialUpdateEnabled;

        private Builder() {
        }

        private Builder(Builder other) {
            profileName = other.profileName;
            profileFile = other.profileFile;
            asyncCredentialUpdateEnabled = other.asyncCredentialUpdateEnabled;
        }

        /**
         * Names the profile that credentials come from, before everything in the environment.
         *
         * @param profileName null for the chain, with the profile of {@code AWS_PROFILE}
         * @return this builder
         */
        public Builder profileName(String profileName) {
            this.profileName = profileName;
            return this;
        }

        /**
         * Sets the file that profiles are in. It is read once.
         *
         * @param profileFile null for the SDK's default files
         * @return this builder
         */
        public Builder profileFile(Supplier<ProfileFile> profileFile) {
            this.profileFile = profileFile;
            return this;
        }

        /**
         * Sets whether credentials are renewed ahead of their expiry by a thread in the background, so that no caller
         * waits.
         *
         * @param asyncCredentialUpdateEnabled false by default
         * @return this builder
         */
        public Builder asyncCredentialUpdateEnabled(boolean asyncCredentialUpdateEnabled) {
            this.asyncCredentialUpdateEnabled = asyncCredentialUpdateEnabled;
            return this;
        }

        /**
         * Builds the provider. Nothing is read or sent until credentials are asked for.
         *
         * @return a new provider
         */
        public TokenServerCredentialsProvider build() {
            return new TokenServerCredentialsProvider(new Builder(this));
        }
    }
}

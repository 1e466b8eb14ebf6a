package io.github.awstokenserver;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.profiles.Profile;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.profiles.ProfileFileSystemSetting;
import software.amazon.awssdk.profiles.ProfileProperty;
import software.amazon.awssdk.utils.IoUtils;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/** Credentials of a profile: from a token server if it, or its source profile, names one, and else from the SDK. */
final class ProfileProvider implements AwsCredentialsProvider, SdkAutoCloseable {
    private final String profileName;
    private final Supplier<ProfileFile> profileFile;
    private final boolean renewsInBackground;

    private AwsCredentialsProvider provider;

    /**
     * @param profileName null for the profile of AWS_PROFILE
     * @param profileFile null for the SDK's default files
     */
    ProfileProvider(String profileName, Supplier<ProfileFile> profileFile, boolean renewsInBackground) {
        this.profileName = profileName;
        this.profileFile = profileFile;
        this.renewsInBackground = renewsInBackground;
    }

    @Override
    public AwsCredentials resolveCredentials() {
        return provider().resolveCredentials();
    }

    private synchronized AwsCredentialsProvider provider() {
        if (provider == null) {
            ProfileFile file = profileFile == null ? ProfileFile.defaultProfileFile() : profileFile.get();
            String name = profileName == null ? ProfileFileSystemSetting.AWS_PROFILE.getStringValueOrThrow()
                                              : profileName;
            provider = fromTokenServer(file, name, new HashSet<>()).orElseGet(
                () -> ProfileCredentialsProvider.builder().profileName(profileName).profileFile(profileFile).build());
        }
        return provider;
    }

    /** Follows source profiles to a token server, in the order in which the SDK looks at a profile's keys. */
    private Optional<AwsCredentialsProvider> fromTokenServer(ProfileFile file, String name, Set<String> visited) {
        Profile profile = file.profile(name).orElse(null);
        if (profile == null || !visited.add(name)) {
            return Optional.empty(); // the SDK reports it
        }
        Optional<Setting> setting = Setting.of(profile);
        if (setting.isPresent()) {
            return setting.map(s -> new RoleCredentialsProvider(s, renewsInBackground));
        }
        boolean isChained = profile.property(ProfileProperty.ROLE_ARN).isPresent()
            && profile.property(ProfileProperty.SOURCE_PROFILE).isPresent();
        boolean isOther = profile.property(ProfileProperty.WEB_IDENTITY_TOKEN_FILE).isPresent()
            || profile.property(ProfileProperty.CREDENTIAL_SOURCE).isPresent()
            || profile.properties().keySet().stream().anyMatch(key -> key.startsWith("sso_"));
        if (!isChained || isOther) {
            return Optional.empty();
        }
        String source = profile.property(ProfileProperty.SOURCE_PROFILE).orElseThrow();
        return fromTokenServer(file, source, visited).map(provider -> new AssumedRoleProvider(profile, provider));
    }

    @Override
    public synchronized void close() {
        IoUtils.closeIfCloseableV2(provider, null);
    }
}

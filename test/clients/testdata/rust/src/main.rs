//! A program that asks STS who it is for each profile in its arguments; without any, it prints the version of the SDK.

use std::{env, error::Error, fs, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if env::args().len() == 1 {
        println!("{}", aws_sdk_sts::meta::PKG_VERSION);
    }
    for profile in env::args().skip(1) {
        let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest());
        if !profile.is_empty() {
            loader = loader.profile_name(profile);
        }
        let sts = aws_sdk_sts::Client::new(&loader.load().await);
        sts.get_caller_identity().send().await?;
        while fs::exists(env::var("LOOP").unwrap_or_default())? {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sts.get_caller_identity().send().await?;
        }
    }
    Ok(())
}

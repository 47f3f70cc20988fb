/** The texts of a release: install script and Homebrew formula. Pure. */
import installTemplate from "./install.sh" with { type: "text" };

/** The programs of a release, by target. */
export const RELEASE_TARGETS = ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64"] as const;
/** One of them. */
export type ReleaseTarget = typeof RELEASE_TARGETS[number];

/** What a release is called and where its files will lie. */
export interface ReleaseFacts {
  readonly version: string;
  /** The folder that its files are downloaded from, without a slash at its end. */
  readonly url: string;
  readonly homepage: string;
}

/** Checks an address that goes into scripts. @throws Error for anything but a plain http(s) address */
export function requireAddress(option: string, address: string | undefined): string {
  const plain = address !== undefined && /^https?:\/\/[\w.:-]+(\/[\w.~%+@-]+)*\/?$/.test(address);
  if (plain) return address.replace(/\/$/, "");
  throw new Error(
    `${option} must be an http(s) address of plain characters${address ? `, not ${address}` : ""}`,
  );
}

/** The install script for this release. */
export function installScript({ version, url }: Pick<ReleaseFacts, "version" | "url">): string {
  return installTemplate.replaceAll("{{version}}", version).replaceAll("{{url}}", `'${url}'`);
}

/** The Homebrew formula for this release. `sums`: sha256 by target. */
export function homebrewFormula(
  { version, url, homepage }: ReleaseFacts,
  sums: Readonly<Record<ReleaseTarget, string>>,
): string {
  const source = (target: ReleaseTarget) =>
    `      url "${url}/actp-worker-${target}"\n      sha256 "${sums[target]}"`;
  const platform = (name: string, arm: ReleaseTarget, intel: ReleaseTarget) =>
    `  on_${name} do
    on_arm do
${source(arm)}
    end
    on_intel do
${source(intel)}
    end
  end`;
  return `# Made by scripts/release.ts.
class ActpWorker < Formula
  desc "Worker for task queues that uses this machine's own tools"
  homepage "${homepage}"
  version "${version}"
  license "MIT"

${platform("macos", "macos-arm64", "macos-x64")}

${platform("linux", "linux-arm64", "linux-x64")}

  def install
    bin.install Dir["actp-worker-*"].first => "actp-worker"
    chmod 0755, bin/"actp-worker"
    generate_completions_from_executable(bin/"actp-worker", "completions")
  end

  service do
    run [opt_bin/"actp-worker", "start", "--foreground"]
    keep_alive crashed: true
    log_path var/"log/actp-worker.log"
    error_log_path var/"log/actp-worker.log"
    environment_variables PATH: std_service_path_env
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/actp-worker version").strip
  end
end
`;
}

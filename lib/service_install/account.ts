/** The account that a machine's service runs as. */
import type { Call, Caller } from "./command.ts";
import type { Owner } from "./steps.ts";

/** Unless told. */
export const SERVICE_USER = "actp-worker";

/** Its numbers, asked of id(1); undefined where there is no such account. */
export async function findAccount(call: Caller, user: string): Promise<Owner | undefined> {
  const [uid, gid] = await Promise.all([
    call({ program: "id", args: ["-u", user] }),
    call({ program: "id", args: ["-g", user] }),
  ]);
  if (!uid.ok || !gid.ok) return undefined;
  return { uid: Number(uid.stdout[0]), gid: Number(gid.stdout[0]) };
}

/** Makes an account that nobody can log in to: useradd(8). The home folder is made by the installation. */
export function accountCall(user: string, home: string): Call {
  const options = ["--system", "--user-group", "--no-create-home", "--home-dir", home];
  return { program: "useradd", args: [...options, "--shell", "/usr/sbin/nologin", user] };
}

/** Removes the account and its group: userdel(8). */
export function accountRemoval(user: string): Call {
  return { program: "userdel", args: [user] };
}

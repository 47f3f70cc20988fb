/** Gives up what an agent's process does not need, for good: what a model talks it into cannot go further. */

/** What the process goes on needing; the network, the environment and the machine's name always stay. */
export interface NeededPermissions {
  /** To start MCP servers. */
  readonly run: boolean;
}

const GIVEN_UP = ["write", "ffi"] as const;

/** Revokes the rest. Call it when the configuration has been read and the database is connected. */
export async function giveUpPermissions({ run }: NeededPermissions): Promise<void> {
  const names: Deno.PermissionName[] = [...GIVEN_UP, ...run ? [] : ["run", "read"] as const];
  for (const name of names) await Deno.permissions.revoke({ name } as Deno.PermissionDescriptor);
}

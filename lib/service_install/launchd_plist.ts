/** The property list of a LaunchAgent: launchd.plist(5). Pure. */
import { requireOneLine, type ServicePlan } from "./definition.ts";
import { LABEL } from "./layout.ts";
import { fillTemplate, TEMPLATES } from "./template.ts";

/** The property list as text. @throws Error for values with control characters */
export function launchdPlist({ layout, command, environment, stopSeconds }: ServicePlan): string {
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    `    <key>${xml(name)}</key>`,
    `    <string>${xml(value)}</string>`,
  ]);
  return fillTemplate(TEMPLATES.propertyList, {
    label: LABEL,
    arguments: command.map((word) => `    <string>${xml(word)}</string>`).join("\n"),
    environment: variables.join("\n"),
    home: xml(layout.home),
    log: xml(layout.log),
    stopSeconds: String(Math.ceil(stopSeconds)),
  });
}

function xml(text: string): string {
  return requireOneLine("a value", text)
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

import type { Command } from "commander";
import { adapterOption, withDevice } from "../device.ts";
import type { AdapterChoice } from "@fracture/tensor";
import type { Io } from "../io.ts";

/** `fracture doctor` */
export function doctorCommand(program: Command, io: Io): void {
  program
    .command("doctor")
    .description("say which devices there are, what they can do and how fast they are")
    .addOption(adapterOption())
    .option("--json", "print the findings as JSON", false)
    .action(async ({ adapter, json }: { adapter: AdapterChoice; json: boolean }) => {
      const { examine, showFindings } = await import("../doctor.ts");
      await withDevice(io, adapter, async (device) => {
        const findings = await examine(device, io);
        io.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : showFindings(findings));
      });
    });
}

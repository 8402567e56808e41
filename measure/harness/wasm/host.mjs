// Runs a module on the vectors in input.bin and writes output.bin: node host.mjs MODULE.
import { readFileSync, writeFileSync } from "node:fs";

const FAULTED = 71;
const input = readFileSync("input.bin");
const outputs = [];
let at = 0;
let memory;
const imports = {
  host: {
    host_read(to, bytes) {
      if (at + bytes > input.length) process.exit(70);
      new Uint8Array(memory.buffer, to >>> 0, bytes).set(input.subarray(at, at + bytes));
      at += bytes;
    },
    host_write(from, bytes) {
      outputs.push(Uint8Array.from(new Uint8Array(memory.buffer, from >>> 0, bytes)));
    },
    host_exit(code) {
      process.exit(code);
    },
  },
};
try {
  const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), imports);
  memory = instance.exports.memory;
  instance.exports.zant_main();
} catch (e) {
  console.error(String(e));
  process.exit(FAULTED);
}
writeFileSync("output.bin", Buffer.concat(outputs));

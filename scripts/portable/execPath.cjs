// Loaded first where node was started by the archive's own dynamic linker: see bin/node.
process.execPath = require("node:path").join(process.env.FRACTURE_PORTABLE, "bin", "node");

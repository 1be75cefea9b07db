import { GeometryError } from "./errors.ts";
import type { KernelPass, KernelPlan } from "./plan.ts";

/** One dispatch, ready to be encoded any number of times. */
export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Finds the buffer of an operand or of a workspace. */
export type Bind = (operand: string) => GPUBufferBinding;

/** What was created since the device was opened: a test holds these flat over training steps. */
export interface EncoderCounts {
  pipelines: number;
  bindGroups: number;
  uniforms: number;
}

/** Uniform blocks that are kept to be used again: several times those of a training step of the largest ResNet. */
export const MOST_CACHED_UNIFORMS = 4096;

/**
 * Plan + buffers -> dispatches. Pipelines are cached by their WGSL, the latest uniform blocks by their contents, so that
 * what is benchmarked is what trains. The one file of this package that touches the GPU.
 */
export class KernelEncoder {
  readonly counts: EncoderCounts = { pipelines: 0, bindGroups: 0, uniforms: 0 };
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  /** By WGSL: what is being compiled now. */
  readonly #compiling = new Map<string, Promise<void>>();
  /** By contents, the least recently used first. */
  readonly #uniforms = new Map<string, GPUBuffer>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Compiles the plans' pipelines that are not there yet, all at once; one that another call is compiling is waited for.
   * Throws where one does not compile; the compiler's words are an error of the device.
   */
  async prepare(plans: Iterable<KernelPlan>): Promise<void> {
    const compiling = new Set<Promise<void>>();
    for (const plan of plans) {
      for (const pass of plan.passes) if (!this.#pipelines.has(pass.wgsl)) compiling.add(this.#compile(pass));
    }
    await Promise.all(compiling);
  }

  /** The plan's dispatches on these buffers. Creates one bind group a pass, and the pipelines that are missing. */
  dispatches(plan: KernelPlan, bind: Bind): Dispatch[] {
    return plan.passes.map((pass) => {
      const pipeline = this.#pipeline(pass);
      const entries: GPUBindGroupEntry[] = pass.bindings.map(({ operand }, binding) => {
        const resource = bind(operand);
        const needed = plan.operands[operand] ?? plan.workspace[operand];
        const size = resource.size ?? resource.buffer.size - (resource.offset ?? 0);
        if (needed === undefined) throw new GeometryError(plan.name, "a pass binds an unknown operand", { operand });
        if (size < needed)
          throw new GeometryError(plan.name, "a buffer is too small", { operand, bytes: size, needed });
        return { binding, resource };
      });
      if (pass.params) entries.push({ binding: entries.length, resource: { buffer: this.#uniform(pass.params) } });
      this.counts.bindGroups += 1;
      const bindGroup = this.#device.createBindGroup({
        label: pass.label,
        layout: pipeline.getBindGroupLayout(0),
        entries,
      });
      return { label: pass.label, pipeline, bindGroup, workgroups: pass.workgroups };
    });
  }

  destroy(): void {
    for (const buffer of this.#uniforms.values()) buffer.destroy();
    this.#uniforms.clear();
    this.#pipelines.clear();
  }

  #compile(pass: KernelPass): Promise<void> {
    const { wgsl } = pass;
    let compiling = this.#compiling.get(wgsl);
    if (!compiling) {
      compiling = this.#device
        .createComputePipelineAsync(this.#descriptor(pass))
        .then((pipeline) => this.#keep(wgsl, pipeline))
        // After a failure too: the next call fails anew.
        .finally(() => this.#compiling.delete(wgsl));
      this.#compiling.set(wgsl, compiling);
    }
    return compiling;
  }

  #pipeline(pass: KernelPass): GPUComputePipeline {
    let pipeline = this.#pipelines.get(pass.wgsl);
    if (!pipeline) {
      pipeline = this.#device.createComputePipeline(this.#descriptor(pass));
      this.#keep(pass.wgsl, pipeline);
    }
    return pipeline;
  }

  #keep(wgsl: string, pipeline: GPUComputePipeline): void {
    this.counts.pipelines += 1;
    this.#pipelines.set(wgsl, pipeline);
  }

  #descriptor(pass: KernelPass): GPUComputePipelineDescriptor {
    const module = this.#device.createShaderModule({ label: pass.label, code: pass.wgsl });
    return { label: pass.label, layout: "auto", compute: { module, entryPoint: "main" } };
  }

  #uniform(params: ArrayBuffer): GPUBuffer {
    const key = new Uint32Array(params).join();
    let buffer = this.#uniforms.get(key);
    if (buffer) {
      this.#uniforms.delete(key); // to be the most recently used again
    } else {
      buffer = this.#device.createBuffer({ size: params.byteLength, usage: GPU_UNIFORM | GPU_COPY_DST });
      this.#device.queue.writeBuffer(buffer, 0, params);
      this.counts.uniforms += 1;
      // Dropped, never destroyed: a dispatch of a captured program may hold it. It goes with the last of its bind groups.
      if (this.#uniforms.size >= MOST_CACHED_UNIFORMS) this.#uniforms.delete(this.#uniforms.keys().next().value!);
    }
    this.#uniforms.set(key, buffer);
    return buffer;
  }
}

// GPUBufferUsage is a global that Node lacks; its values are fixed by the specification.
const GPU_COPY_DST = 0x8;
const GPU_UNIFORM = 0x40;

/** Encodes one dispatch into an open compute pass. */
export function encodeDispatch(pass: GPUComputePassEncoder, { pipeline, bindGroup, workgroups }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
}

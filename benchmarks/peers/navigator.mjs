// Dawn's package in the place of a browser's navigator.gpu, for libraries that ask for that.
import { create, globals } from "webgpu";

/**
 * Puts it there. Gives { adapter, letGo }: device and driver of the adapter that was asked for, once it was, and a function that drops the
 * root object, which keeps the process alive.
 *
 * @param more of navigator: { gpu, ... }
 * @param wrapped the adapter as the library is to see it
 */
export function openNavigator({ gpu: moreOfGpu = {}, ...more } = {}, wrapped = (adapter) => adapter) {
  Object.assign(globalThis, globals);
  // The toggles that our own side opens its device with: no bounds checks in kernels, as they are of no use to either.
  let gpu = create(["enable-dawn-features=allow_unsafe_apis,disable_robustness"]);
  let info;
  const requestAdapter = async (options) => {
    const adapter = await gpu.requestAdapter(options);
    info = adapter.info;
    return wrapped(adapter);
  };
  const navigator = { gpu: { requestAdapter, ...moreOfGpu }, ...more };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  return {
    adapter: () => ({ device: info.device, driver: info.description }),
    letGo: () => (gpu = null),
  };
}

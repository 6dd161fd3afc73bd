/** GPUs that are computed by the CPU, where barriers and workgroup memory cost many times what they cost elsewhere. */

/** Whether an adapter, or the device that it gave, is such; one that does not say what it is counts as none. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  if (!info) return false;
  // `isFallbackAdapter` moved from the adapter to its info; browsers without it there still name the renderer.
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|software/i.test(describeAdapter(info));
}

/** The adapter's own words for itself. */
export function describeAdapter({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  const words = [vendor, architecture, device, description].filter(Boolean);
  return words.length ? [...new Set(words)].join(' ') : 'unnamed adapter';
}

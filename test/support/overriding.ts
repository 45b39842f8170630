/** An object with some of its methods replaced; the others run on the original. */
export function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const replaced: unknown = Reflect.get(methods, key)
      if (replaced !== undefined) return replaced
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Long lists: only what can be seen, and a little around it, is in the page. */
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from '@tanstack/virtual-core';
import type { VirtualItem } from '@tanstack/virtual-core';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

export interface Windowed {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly items: readonly VirtualItem[];
  readonly height: number;
  readonly measure: (element: HTMLElement | null) => void;
  readonly show: (index: number) => void;
}

export function useWindowed(count: number, estimate: (index: number) => number, keyOf: (index: number) => string | number): Windowed {
  const scroller = useRef<HTMLDivElement>(null);
  const [, again] = useState(0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: keyOf,
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => again((n) => n + 1),
  };
  const virtualizer = useRef<Virtualizer<HTMLDivElement, HTMLElement>>(undefined);
  virtualizer.current ??= new Virtualizer<HTMLDivElement, HTMLElement>(options);
  const list = virtualizer.current;
  list.setOptions(options);
  useEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => list._willUpdate());
  return {
    scroller,
    items: list.getVirtualItems(),
    height: list.getTotalSize(),
    measure: list.measureElement,
    show: (index) => list.scrollToIndex(index, { align: 'auto' }),
  };
}

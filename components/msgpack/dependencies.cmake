# None: what reads and writes MessagePack is compiled into the component.

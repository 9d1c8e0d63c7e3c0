#pragma once

namespace strandline::tools {

/// A descriptor of our own for what standard input or output is. Asio makes descriptors non-blocking, and so
/// for everybody who shares them: the shell, children, other writers of a pipeline. A pipe or a terminal is
/// therefore opened again; the others keep this of no consequence (files), or are made blocking again when
/// this ends (sockets).
class descriptor
{
public:
    /// 0 or 1. Throws std::system_error.
    explicit descriptor(int standard);
    ~descriptor();

    descriptor(descriptor const&) = delete;
    descriptor& operator=(descriptor const&) = delete;

    /// To be handed on to Asio, which closes it.
    int get() const noexcept { return own_; }

private:
    int standard_;
    int flags_;
    int own_ = -1;
};

} // namespace strandline::tools

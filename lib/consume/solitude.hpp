#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace strandline::consume {

namespace asio = boost::asio;

/// Lets one handler run while no other handler of the process does, whatever consumer, broker or thread it
/// belongs to: when the process dies then, it is known why.
///
/// Handlers start without asking here. Who wants to be alone has all others told to start nothing, and waits
/// until each has said that nothing of its runs any more.
class solitude
{
public:
    struct hooks
    {
        /// Start nothing, and call `quiet` when nothing runs.
        std::function<void()> hold;
        std::function<void()> resume;
        /// Granted: everything is quiet. Not called any more once `leave` has returned.
        std::function<void()> alone;
    };

    /// A consumer that takes part. All calls come from its strand, and its hooks are called there.
    class member
    {
    public:
        member(asio::any_io_executor strand, hooks to);
        ~member();

        member(member const&) = delete;
        member& operator=(member const&) = delete;

        /// Somebody is alone, or about to be: it must not start anything yet.
        bool begins_held() const noexcept { return begins_held_; }

        /// Asks to be alone; one asks at a time, the others wait for their turn.
        void enter();

        /// It is alone no more, or does not want to be.
        void leave();

        /// Nothing of it runs, as `hold` has asked for.
        void quiet();

    private:
        friend solitude;

        struct state;
        std::shared_ptr<state> state_;
        bool begins_held_ = false;
    };

private:
    static solitude& of_process();

    using participant = std::shared_ptr<member::state>;

    bool join(participant const& one);
    void remove(participant const& one);
    void request(participant const& one);
    void withdraw(participant const& one);
    void set_quiet(participant const& one, std::uint64_t round);

    void begin();
    void grant_if_quiet();
    static void post(participant const& one, std::function<void()> hooks::* which);
    void hold(participant const& one);

    std::mutex mutex_;
    std::vector<participant> members_;
    /// The first of them is alone, or about to be.
    std::deque<participant> wanting_;
    bool granted_ = false;
    /// Of holding all. A member that became quiet in an earlier one may have started something since.
    std::uint64_t round_ = 0;
};

} // namespace strandline::consume

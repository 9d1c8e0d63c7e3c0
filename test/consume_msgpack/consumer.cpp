// The program of a project that uses the component from outside.
#include <strandline/msgpack.hpp>

#include <iostream>
#include <string>

int main()
{
    std::string body;
    strandline::msgpack<std::string> back;
    auto why = encode(strandline::msgpack(std::string("hello")), body);
    if (!why)
        why = strandline::decode(body, back);
    std::cout << back.value << '\n';
    return why || back.value != "hello" || body != "\xA5hello";
}

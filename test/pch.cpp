// Carries the precompiled header that test_main.cpp cannot use: it needs other definitions before Boost.Test.

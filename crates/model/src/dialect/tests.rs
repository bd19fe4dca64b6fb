//! Every dialect on answers of its real shape, and all of them on rubbish.
